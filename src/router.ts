export { createTokenCaller, type TokenCaller } from "./router/caller.ts";
export { tokenContext } from "./router/context.ts";
export { type Context, type ErrorShape, tokenErrorFormatter } from "./router/procedure.ts";
export { createTokenRouter, type TokenRouter } from "./router/router.ts";

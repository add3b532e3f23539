export { createTokenCaller, type TokenCaller } from "./router/caller.ts";
export { tokenContext } from "./router/context.ts";
export { type ErrorShape, tokenErrorFormatter } from "./router/error-shape.ts";
export type { Context } from "./router/procedure.ts";
export { createTokenRouter, type TokenRouter } from "./router/router.ts";

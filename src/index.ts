export { type Issue, MintmarkError, type Reason, StartError } from "./errors.ts";
export type { RunningServer } from "./http/listen.ts";
export { createRequestHandler, createTokenServer, type HandlerOptions, type ServerOptions } from "./http/server.ts";
export type { JwkSet } from "./keys/keyring.ts";
export { createTokenRouter, type TokenRouter } from "./router/router.ts";
export type { Context, ErrorShape } from "./router/trpc.ts";
export type { Caller } from "./service/caller.ts";
export {
  createTokenService,
  type IssuedToken,
  type TokenService,
  type TokenServiceOptions,
} from "./service/service.ts";
export { openSqliteStore } from "./store/sqlite.ts";
export type { Store } from "./store/store.ts";
export type { Claims, ClaimsSchema } from "./token/claims.ts";

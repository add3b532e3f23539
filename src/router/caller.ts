import { localCaller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import type { AnyClaims, ClaimsSchema } from "../token/claims.ts";
import { createTokenRouter, type TokenRouter } from "./router.ts";

/** Every procedure as a function. */
export type TokenCaller<Schema extends ClaimsSchema = AnyClaims> = ReturnType<TokenRouter<Schema>["createCaller"]>;

/**
 * Makes the functions that call the procedures within this process, with every permission and without HTTP:
 *
 *     const tokens = createTokenCaller(service);
 *     const { token } = await tokens.getToken({ subject: "ada", claims: { role: "writer" } });
 *     await tokens.revoke({ subject: "ada" });
 *
 * Inputs are checked as on the wire, and no rate limit applies. The `client_id` of the tokens is `local`. A call that the
 * service refuses rejects with a `TRPCError` whose `cause` is a `MintmarkError`, or the error of zod for invalid input.
 */
export function createTokenCaller<Schema extends ClaimsSchema>(service: TokenService<Schema>): TokenCaller<Schema> {
  const router: TokenRouter<Schema> = createTokenRouter(service);
  return router.createCaller({ authenticate: async () => localCaller }) as TokenCaller<Schema>;
}

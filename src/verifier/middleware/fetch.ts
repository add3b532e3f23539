import { type BearerOptions, createAuthenticate, type TokenVerifier } from "./bearer.ts";
import { BearerRefusal, refusalResponse } from "./refusal.ts";

export {
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  bearerAuth,
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  type HonoAuth,
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  type HonoContext,
} from "./hono.ts";

/**
 * Creates a function for any fetch handler. It returns the claims, or the `Response` that refuses:
 *
 *     const authenticate = createFetchAuth(verifier);
 *     const claims = await authenticate(request);
 *     if (claims instanceof Response) return claims;
 */
export function createFetchAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: BearerOptions = {},
): (request: Request) => Promise<Claims | Response> {
  const authenticate = createAuthenticate(verifier, options);
  return async (request) => {
    const claims = await authenticate(request);
    return claims instanceof BearerRefusal ? refusalResponse(claims) : claims;
  };
}

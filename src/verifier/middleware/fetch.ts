import { type BearerOptions, createAuthenticate, type ProtectedOptions, type TokenVerifier } from "./bearer.ts";
import { BearerRefusal, refusalResponse } from "./refusal.ts";
import { metadataResponse, type ServesMetadata, servesMetadata } from "./resource-metadata.ts";

export {
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  bearerAuth,
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  type HonoAuth,
  /** @deprecated Import it from `mintmark/verifier/hono`. */
  type HonoContext,
} from "./hono.ts";

type FetchAuth<Claims> = (request: Request) => Promise<Claims | Response>;
type ServesFetchMetadata = ServesMetadata<(request: Request) => Response>;

/**
 * Creates a function for any fetch handler. It returns the claims, or the `Response` that refuses:
 *
 *     const authenticate = createFetchAuth(verifier);
 *     const claims = await authenticate(request);
 *     if (claims instanceof Response) return claims;
 *
 * With `protectedResource`, answer the path `authenticate.resourceMetadataPath` by `authenticate.resourceMetadata(request)`.
 */
export function createFetchAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: ProtectedOptions,
): FetchAuth<Claims> & ServesFetchMetadata;
export function createFetchAuth<Claims>(verifier: TokenVerifier<Claims>, options?: BearerOptions): FetchAuth<Claims>;
export function createFetchAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: BearerOptions = {},
): FetchAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(request: Request): Promise<Claims | Response> {
    const claims = await authenticate(request);
    return claims instanceof BearerRefusal ? refusalResponse(claims) : claims;
  }

  const metadata: Partial<ServesFetchMetadata> = servesMetadata(
    options.protectedResource,
    (answer) => (request) => metadataResponse(answer(request.method)),
  );
  return Object.assign(auth, metadata);
}

import {
  type BearerOptions,
  type BearerRequest,
  claimsOf,
  createAuthenticate,
  type ProtectedOptions,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";
import { BearerRefusal, refusalParts } from "./refusal.ts";
import { type ServesMetadata, servesMetadata } from "./resource-metadata.ts";

/** A request of `node:http` or Express, before or after verification. */
export type NodeRequest<Claims> = BearerRequest & { auth?: Claims };

/** The part of `ServerResponse` that is used. */
export type NodeResponse = {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
};

/** Middleware for Express and bare `node:http`. */
export type NodeAuth<Claims> = {
  (request: NodeRequest<unknown>, response: NodeResponse, next: () => void): Promise<void>;
  /** The same middleware with one more required scope. */
  requireScope(scope: string): NodeAuth<Claims>;
  /** `request.auth`, typed without a declaration for Express. */
  claimsOf(request: NodeRequest<unknown>): Claims;
};

type ServesNodeMetadata = ServesMetadata<(request: { method?: string | undefined }, response: NodeResponse) => void>;

/**
 * Creates middleware that refuses requests without a valid token and sets `request.auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", auth, (request, response) => response.json(auth.claimsOf(request)));
 *     app.post("/orders", auth.requireScope("orders:write"), createOrder);
 *     createServer((request, response) => auth(request, response, () => response.end("hello")));
 *
 * It sends refusals itself: `next` is called for valid tokens only, never with an error. With `protectedResource`, serve its
 * metadata: `app.all(auth.resourceMetadataPath, auth.resourceMetadata)`.
 */
export function bearerAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: ProtectedOptions,
): NodeAuth<Claims> & ServesNodeMetadata;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options?: BearerOptions): NodeAuth<Claims>;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): NodeAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(request: NodeRequest<unknown>, response: NodeResponse, next: () => void): Promise<void> {
    const claims = await authenticate(request);
    if (claims instanceof BearerRefusal) {
      const { status, headers, body } = refusalParts(claims);
      response.writeHead(status, headers);
      response.end(body);
      return;
    }
    request.auth = claims;
    next();
  }

  const requireScope = (scope: string) => bearerAuth(verifier, withScope(options, scope));
  const metadata: Partial<ServesNodeMetadata> = servesMetadata(
    options.protectedResource,
    (answer) => (request, response) => {
      const { status, headers, body } = answer(request.method);
      response.writeHead(status, headers);
      response.end(body);
    },
  );
  return Object.assign(auth, { requireScope, claimsOf: claimsOf<Claims>, ...metadata });
}

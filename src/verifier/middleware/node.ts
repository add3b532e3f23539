import {
  type BearerOptions,
  type BearerRequest,
  claimsOf,
  createAuthenticate,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";
import { BearerRefusal, refusalParts } from "./refusal.ts";

/** A request of `node:http` or Express, before or after its token was verified. */
export type NodeRequest<Claims> = BearerRequest & { auth?: Claims };

/** As much of `ServerResponse` as is used. */
export type NodeResponse = {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
};

/** Middleware for Express and bare `node:http`. */
export type NodeAuth<Claims> = {
  (request: NodeRequest<Claims>, response: NodeResponse, next: () => void): Promise<void>;
  /** The same, and tokens without this scope are refused. */
  requireScope(scope: string): NodeAuth<Claims>;
  /** `request.auth`, typed where Express does not know of it. */
  claimsOf(request: NodeRequest<Claims>): Claims;
};

/**
 * Makes middleware that lets nobody through without a good token:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", auth, (request, response) => response.json(auth.claimsOf(request)));
 *     app.post("/orders", auth.requireScope("orders:write"), createOrder);
 *     createServer((request, response) => auth(request, response, () => response.end("hello")));
 *
 * Sets `request.auth` to the claims. A refusal is answered here: `next` is called for good tokens
 * only, never with an error.
 */
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): NodeAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(request: NodeRequest<Claims>, response: NodeResponse, next: () => void): Promise<void> {
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
  return Object.assign(auth, { requireScope, claimsOf: claimsOf<Claims> });
}

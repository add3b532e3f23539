import {
  type BearerOptions,
  type BearerRequest,
  claimsOf,
  createAuthenticate,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";
import { BearerRefusal, refusalParts } from "./refusal.ts";

/** A request of Fastify, before or after its token was verified. */
export type FastifyRequest<Claims> = BearerRequest & { auth?: Claims };

/** As much of Fastify's reply as is used. */
export type FastifyReply = {
  statusCode: number;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
};

/** A hook for Fastify: `onRequest`, or any that comes later. */
export type FastifyAuth<Claims> = {
  (request: FastifyRequest<Claims>, reply: FastifyReply): Promise<unknown>;
  /** The same, and tokens without this scope are refused. */
  requireScope(scope: string): FastifyAuth<Claims>;
  /** `request.auth`, typed where Fastify does not know of it. */
  claimsOf(request: FastifyRequest<Claims>): Claims;
};

/**
 * Makes a hook that lets nobody through without a good token, and sets `request.auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", { onRequest: auth }, async (request) => auth.claimsOf(request));
 *     app.post("/orders", { onRequest: auth.requireScope("orders:write") }, createOrder);
 */
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): FastifyAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(request: FastifyRequest<Claims>, reply: FastifyReply): Promise<unknown> {
    const claims = await authenticate(request);
    if (claims instanceof BearerRefusal) {
      const { status, headers, body } = refusalParts(claims);
      reply.statusCode = status;
      reply.headers(headers);
      return reply.send(body);
    }
    request.auth = claims;
    return undefined;
  }

  const requireScope = (scope: string) => bearerAuth(verifier, withScope(options, scope));
  return Object.assign(auth, { requireScope, claimsOf: claimsOf<Claims> });
}

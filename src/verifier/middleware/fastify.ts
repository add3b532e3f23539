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
import { type MetadataAnswer, type ServesMetadata, servesMetadata } from "./resource-metadata.ts";

/** A request of Fastify, before or after verification. */
export type FastifyRequest<Claims> = BearerRequest & { auth?: Claims };

/** The part of Fastify's reply that is used. */
export type FastifyReply = {
  statusCode: number;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
};

/** A hook for Fastify: `onRequest` or a later one. */
export type FastifyAuth<Claims> = {
  (request: FastifyRequest<unknown>, reply: FastifyReply): Promise<unknown>;
  /** The same hook with one more required scope. */
  requireScope(scope: string): FastifyAuth<Claims>;
  /** `request.auth`, typed without a declaration for Fastify. */
  claimsOf(request: FastifyRequest<unknown>): Claims;
};

type ServesFastifyMetadata = ServesMetadata<(request: { method: string }, reply: FastifyReply) => unknown>;

/**
 * Creates a hook that refuses requests without a valid token and sets `request.auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", { onRequest: auth }, async (request) => auth.claimsOf(request));
 *     app.post("/orders", { onRequest: auth.requireScope("orders:write") }, createOrder);
 *
 * With `protectedResource`, serve its metadata: `app.all(auth.resourceMetadataPath, auth.resourceMetadata)`.
 */
export function bearerAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: ProtectedOptions,
): FastifyAuth<Claims> & ServesFastifyMetadata;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options?: BearerOptions): FastifyAuth<Claims>;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): FastifyAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(request: FastifyRequest<unknown>, reply: FastifyReply): Promise<unknown> {
    const claims = await authenticate(request);
    if (claims instanceof BearerRefusal) return answer(reply, refusalParts(claims));
    request.auth = claims;
    return undefined;
  }

  const requireScope = (scope: string) => bearerAuth(verifier, withScope(options, scope));
  const metadata: Partial<ServesFastifyMetadata> = servesMetadata(
    options.protectedResource,
    (answerTo) => (request, reply) => answer(reply, answerTo(request.method)),
  );
  return Object.assign(auth, { requireScope, claimsOf: claimsOf<Claims>, ...metadata });
}

function answer(reply: FastifyReply, { status, headers, body }: MetadataAnswer): unknown {
  reply.statusCode = status;
  reply.headers(headers);
  return reply.send(body);
}

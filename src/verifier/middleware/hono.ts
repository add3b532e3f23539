import {
  type BearerOptions,
  claimsOf,
  createAuthenticate,
  type ProtectedOptions,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";
import { BearerRefusal, refusalResponse } from "./refusal.ts";
import { metadataResponse, type ServesMetadata, servesMetadata } from "./resource-metadata.ts";

/** The part of Hono's context that is used. */
export type HonoContext<Claims> = { req: { raw: Request }; set(name: "auth", claims: Claims): void };

/** Middleware for Hono. */
export type HonoAuth<Claims> = {
  (c: HonoContext<Claims>, next: () => Promise<void>): Promise<Response | undefined>;
  /** The same middleware with one more required scope. */
  requireScope(scope: string): HonoAuth<Claims>;
  /** `c.get("auth")`, typed where the app's `Variables` do not name it. */
  claimsOf(c: { var: object }): Claims;
};

type ServesHonoMetadata = ServesMetadata<(c: { req: { raw: Request } }) => Response>;

/**
 * Creates middleware for Hono that refuses requests without a valid token and sets the variable `auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", auth, (c) => c.json(auth.claimsOf(c)));
 *     app.post("/orders", auth.requireScope("orders:write"), createOrder);
 *
 * With `protectedResource`, serve its metadata: `app.all(auth.resourceMetadataPath, auth.resourceMetadata)`.
 */
export function bearerAuth<Claims>(
  verifier: TokenVerifier<Claims>,
  options: ProtectedOptions,
): HonoAuth<Claims> & ServesHonoMetadata;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options?: BearerOptions): HonoAuth<Claims>;
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): HonoAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(c: HonoContext<Claims>, next: () => Promise<void>): Promise<Response | undefined> {
    const claims = await authenticate(c.req.raw);
    if (claims instanceof BearerRefusal) return refusalResponse(claims);
    c.set("auth", claims);
    await next();
    return undefined;
  }

  const metadata: Partial<ServesHonoMetadata> = servesMetadata(
    options.protectedResource,
    (answer) => (c) => metadataResponse(answer(c.req.raw.method)),
  );
  return Object.assign(auth, {
    ...metadata,
    requireScope: (scope: string) => bearerAuth(verifier, withScope(options, scope)),
    claimsOf: (c: { var: { auth?: unknown } }) => claimsOf<Claims>(c.var),
  });
}

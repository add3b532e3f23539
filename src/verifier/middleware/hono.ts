import { type BearerOptions, claimsOf, createAuthenticate, type TokenVerifier, withScope } from "./bearer.ts";
import { BearerRefusal, refusalResponse } from "./refusal.ts";

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

/**
 * Creates middleware for Hono that refuses requests without a valid token and sets the variable `auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", auth, (c) => c.json(auth.claimsOf(c)));
 *     app.post("/orders", auth.requireScope("orders:write"), createOrder);
 */
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): HonoAuth<Claims> {
  const authenticate = createAuthenticate(verifier, options);

  async function auth(c: HonoContext<Claims>, next: () => Promise<void>): Promise<Response | undefined> {
    const claims = await authenticate(c.req.raw);
    if (claims instanceof BearerRefusal) return refusalResponse(claims);
    c.set("auth", claims);
    await next();
    return undefined;
  }

  return Object.assign(auth, {
    requireScope: (scope: string) => bearerAuth(verifier, withScope(options, scope)),
    claimsOf: (c: { var: { auth?: Claims } }) => claimsOf(c.var),
  });
}

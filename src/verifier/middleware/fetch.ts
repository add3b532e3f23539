import {
  answerOf,
  type BearerOptions,
  BearerRefusal,
  claimsOf,
  createAuthenticate,
  type TokenVerifier,
  withScope,
} from "./bearer.ts";

/** As much of Hono's context as is used. */
export type HonoContext<Claims> = { req: { raw: Request }; set(name: "auth", claims: Claims): void };

/** Middleware for Hono. */
export type HonoAuth<Claims> = {
  (c: HonoContext<Claims>, next: () => Promise<void>): Promise<Response | undefined>;
  /** The same, and tokens without this scope are refused. */
  requireScope(scope: string): HonoAuth<Claims>;
  /** `c.get("auth")`, typed where the app's `Variables` do not name it. */
  claimsOf(c: { var: object }): Claims;
};

/**
 * Makes a function for any fetch handler. It gives the claims, or the `Response` that refuses:
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
    if (!(claims instanceof BearerRefusal)) return claims;
    const { status, headers, body } = answerOf(claims);
    return new Response(body, { status, headers });
  };
}

/**
 * Makes middleware for Hono that lets nobody through without a good token, and sets `auth` to the claims:
 *
 *     const auth = bearerAuth(verifier);
 *     app.get("/me", auth, (c) => c.json(auth.claimsOf(c)));
 *     app.post("/orders", auth.requireScope("orders:write"), createOrder);
 */
export function bearerAuth<Claims>(verifier: TokenVerifier<Claims>, options: BearerOptions = {}): HonoAuth<Claims> {
  const authenticate = createFetchAuth(verifier, options);

  async function auth(c: HonoContext<Claims>, next: () => Promise<void>): Promise<Response | undefined> {
    const claims = await authenticate(c.req.raw);
    if (claims instanceof Response) return claims;
    c.set("auth", claims);
    await next();
    return undefined;
  }

  return Object.assign(auth, {
    requireScope: (scope: string) => bearerAuth(verifier, withScope(options, scope)),
    claimsOf: (c: { var: { auth?: Claims } }) => claimsOf(c.var),
  });
}

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { expect, expectTypeOf, it } from "vitest";
import { bearerAuth } from "../../src/verifier/middleware/hono.ts";
import { greet, openVerifier, testFramework, type VerifiedClaims, type Verifier } from "./middleware-cases.ts";

function openApp(verifier: Verifier) {
  const auth = bearerAuth(verifier);
  const orders = new Hono<{ Variables: { auth: VerifiedClaims } }>();
  orders.use(auth.requireScope("orders:write"));
  orders.get("/", (c) => c.json(greet(c.get("auth"))));
  const app = new Hono().route("/orders", orders);
  app.get("/me", auth, (c) => {
    expectTypeOf(auth.claimsOf(c)).toEqualTypeOf<VerifiedClaims>();
    return c.json(greet(auth.claimsOf(c)));
  });
  return app;
}

testFramework({
  name: "Hono",
  async open(verifier) {
    const app = openApp(verifier);
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
        const close = () => new Promise<void>((done) => server.close(() => done()));
        resolve({ url: `http://127.0.0.1:${port}`, close });
      });
    });
  },
});

it("protects a Hono app without a server", async () => {
  const { verifier, sign } = await openVerifier();
  const app = openApp(verifier);
  const good = await app.request("/me", { headers: { authorization: `Bearer ${sign()}` } });
  expect(await good.json()).toEqual({ sub: "ada", role: "writer" });
  expect((await app.request("/me")).status).toBe(401);
});

import { fastify } from "fastify";
import { expect, expectTypeOf, it } from "vitest";
import { bearerAuth } from "../../src/verifier/middleware/fastify.ts";
import { greet, openVerifier, testFramework, type VerifiedClaims, type Verifier } from "./middleware-cases.ts";

function openApp(verifier: Verifier) {
  const auth = bearerAuth(verifier);
  const app = fastify();
  app.get("/me", { onRequest: auth }, async (request) => {
    expectTypeOf(auth.claimsOf(request)).toEqualTypeOf<VerifiedClaims>();
    return greet(auth.claimsOf(request));
  });
  app.register(async (orders) => {
    orders.addHook("preHandler", auth.requireScope("orders:write"));
    orders.get("/orders", async (request) => greet(auth.claimsOf(request)));
  });
  return app;
}

testFramework({
  name: "Fastify",
  async open(verifier) {
    const app = openApp(verifier);
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: async () => app.close() };
  },
});

it("protects injected requests of Fastify", async () => {
  const { verifier, sign } = await openVerifier();
  const app = openApp(verifier);
  const good = await app.inject({ path: "/me", headers: { authorization: `Bearer ${sign()}` } });
  expect(good.json()).toEqual({ sub: "ada", role: "writer" });
  expect((await app.inject("/me")).statusCode).toBe(401);
});

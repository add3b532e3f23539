import express from "express";
import { expect, expectTypeOf, it } from "vitest";
import { bearerAuth } from "../../src/verifier/middleware/node.ts";
import { greet, listen, openVerifier, respond, testFramework, type VerifiedClaims } from "./middleware-cases.ts";

testFramework({
  name: "bare node:http",
  open(verifier) {
    const anyToken = bearerAuth(verifier);
    const orders = bearerAuth(verifier, { scope: "orders:write" });
    return listen((request, response) => {
      const auth = request.url === "/orders" ? orders : anyToken;
      auth(request, response, () => respond(response, greet(auth.claimsOf(request))));
    });
  },
});

testFramework({
  name: "Express",
  open(verifier) {
    const auth = bearerAuth(verifier);
    const app = express();
    app.get("/me", auth, (request, response) => {
      expectTypeOf(auth.claimsOf(request)).toEqualTypeOf<VerifiedClaims>();
      expectTypeOf(auth.claimsOf(request).role).toEqualTypeOf<"reader" | "writer">();
      response.json(greet(auth.claimsOf(request)));
    });
    app.use(auth);
    app.get("/orders", auth.requireScope("orders:write"), (request, response) => {
      response.json(greet(auth.claimsOf(request)));
    });
    return listen(app);
  },
});

it("throws for the claims of a request without middleware", async () => {
  const { verifier } = await openVerifier();
  expect(() => bearerAuth(verifier).claimsOf({ headers: {} })).toThrow("Internal server error");
});

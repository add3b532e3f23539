import { getRequestListener } from "@hono/node-server";
import { expect, expectTypeOf, it } from "vitest";
import { bearerAuth, createFetchAuth } from "../../src/verifier/middleware/fetch.ts";
import { bearerAuth as honoAuth } from "../../src/verifier/middleware/hono.ts";
import { greet, listen, testFramework, type VerifiedClaims } from "./middleware-cases.ts";

testFramework({
  name: "a fetch handler",
  open(verifier) {
    const anyToken = createFetchAuth(verifier);
    const orders = createFetchAuth(verifier, { scope: "orders:write" });
    return listen(
      getRequestListener(
        async (request) => {
          const authenticate = new URL(request.url).pathname === "/orders" ? orders : anyToken;
          const claims = await authenticate(request);
          if (claims instanceof Response) return claims;
          expectTypeOf(claims).toEqualTypeOf<VerifiedClaims>();
          return Response.json(greet(claims));
        },
        { overrideGlobalObjects: false },
      ),
    );
  },
});

it("still exports Hono's middleware", () => {
  expect(bearerAuth).toBe(honoAuth);
});

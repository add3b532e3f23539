import { TRPCError } from "@trpc/server";
import { expect } from "vitest";
import { z } from "zod";
import { createTokenRouter } from "../../../src/router/router.ts";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { TokenService } from "../../../src/service/service.ts";
import { type ClaimsSchema, RESERVED_CLAIMS } from "../../../src/token/claims.ts";
import type { AttackSuite } from "../../support/attack-suite.ts";
import { failureOf } from "../../support/refusal.ts";
import { openService } from "../../support/service.ts";

/** Row 46: a caller must not set the claims of the issuer (CVE-2025-61928). */
export function issueAttacks({ row, service }: AttackSuite): void {
  for (const name of [...RESERVED_CLAIMS, "__proto__", "constructor", "prototype", "toJSON"]) {
    row(46, `getToken refuses ${name} among the custom claims`, async () => {
      for (const value of ["null", '"x"', "1", '{"admin":true}', '["x"]']) {
        await expectBadRequest(service, { claims: JSON.parse(`{"${name}":${value}}`) });
      }
    });
  }
  for (const [name, input] of Object.entries(hostileInputs())) {
    row(46, `getToken refuses ${name}`, () => expectBadRequest(service, input));
  }
  row(46, "getToken refuses a claim that the schema does not know", async () => {
    await using opened = await openService({ claims: z.object({ tier: z.enum(["free", "paid"]).optional() }) });
    await expectBadRequest(opened.service, { claims: { role: "admin" } });
    await expectBadRequest(opened.service, { claims: { tier: "free", role: "admin" } });
    await expectBadRequest(opened.service, { claims: { tier: "gold" } });
    expect(await getToken(opened.service, { claims: { tier: "free" } })).toMatchObject({ tokenType: "Bearer" });
  });
  row(46, "getToken says what the issuer says, whatever the custom claims are", async () => {
    const { token } = await getToken(service, { subject: "ada", claims: { role: "admin", ISS: "x", "sub ": "x" } });
    const claims = await service.verifyToken({ token });
    expect(claims).toMatchObject({ iss: service.issuer, sub: "ada", client_id: "local", role: "admin" });
    expect(claims.jti).toMatch(/^[\w-]{24}$/);
  });
}

/** Routers take a millisecond to make, so each service has one. */
const callers = new WeakMap<object, { getToken: (input: never) => Promise<{ token: string }> }>();

async function getToken<Schema extends ClaimsSchema>(service: TokenService<Schema>, input: unknown) {
  const known = callers.get(service);
  const caller = known ?? createTokenRouter(service).createCaller({ authenticate: async () => localCaller });
  callers.set(service, caller as never);
  return caller.getToken(input as never);
}

async function expectBadRequest<Schema extends ClaimsSchema>(service: TokenService<Schema>, input: unknown) {
  const error = await failureOf(getToken(service, input));
  expect(error).toBeInstanceOf(TRPCError);
  expect(error).toMatchObject({ code: "BAD_REQUEST" });
}

/** Claims that no caller may request. */
export function hostileInputs(): Record<string, unknown> {
  const cyclic: Record<string, unknown> = {};
  cyclic.x = cyclic;
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  const fields = [
    ...["iss", "aud", "exp", "iat", "jti", "cnf", "role", "client_id", "sub", "userId", "ttl"],
    ...["key", "alg", "kid", "client_secret", "client_assertion", "client_assertion_type"],
  ];
  return {
    ...Object.fromEntries(fields.map((name) => [`the field ${name}`, { [name]: "x" }])),
    "a field __proto__": JSON.parse('{"__proto__":{"subject":"root"}}'),
    "claims of 1 MB": { claims: { x: "x".repeat(1_000_000) } },
    "a thousand claims": {
      claims: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`claim${index}`, index])),
    },
    "claims that are too deep": { claims: { x: deep } },
    "claims that hold themselves": { claims: cyclic },
    "claims with a method toJSON": { claims: { toJSON: () => ({ iss: "evil" }) } },
    "a claim with a method toJSON": { claims: { x: { toJSON: () => "evil" } } },
    "claims that are a list": { claims: [] },
    "claims that are a text": { claims: "{}" },
    "claims that are null": { claims: null },
    "claims that are a number": { claims: 1 },
    "claims that are a Map": { claims: new Map([["iss", "evil"]]) },
    "claims that inherit": { claims: Object.create({ iss: "evil" }) },
    "a claim that is a date": { claims: { x: new Date(0) } },
    "a claim that is a BigInt": { claims: { x: 1n } },
    "a claim that is a function": { claims: { x: () => "evil" } },
    "a claim that is a symbol": { claims: { x: Symbol("x") } },
    "a claim that is undefined": { claims: { x: undefined } },
    "a claim that is infinite": { claims: { x: Number.POSITIVE_INFINITY } },
    "a claim that is not a number": { claims: { x: Number.NaN } },
    "a claim with half a character": { claims: { x: "\ud800" } },
    "a claim named by half a character": { claims: { "\ud800": "x" } },
    "a subject of no length": { subject: "" },
    "a subject of 256 characters": { subject: "x".repeat(256) },
    "a subject with a control character": { subject: "ada\r\nadmin" },
    "a subject that is no text": { subject: { toString: () => "root" } },
    "an audience that is no text": { audience: { toString: () => "orders" } },
    "an empty list of audiences": { audience: [] },
    "an audience twice": { audience: ["orders", "orders"] },
    "seventeen audiences": { audience: Array.from({ length: 17 }, (_, at) => `a${at}`) },
    "a list of audiences, one of which is none": { audience: ["orders", "pay\u0000ments"] },
    "a list of audiences with nothing in it": { audience: ["orders", ""] },
    "a list in a list of audiences": { audience: ["orders", ["payments"]] },
    "a scope with two spaces": { scope: "a  b" },
    "a lifetime of nothing": { expiresIn: 0 },
    "a negative lifetime": { expiresIn: -1 },
    "a lifetime beyond the longest": { expiresIn: 86401 },
    "an infinite lifetime": { expiresIn: Number.POSITIVE_INFINITY },
    "a fraction of a lifetime": { expiresIn: 0.5 },
    "a lifetime in words": { expiresIn: "1h" },
    "a list for an input": [],
    "a text for an input": "x",
    "null for an input": null,
  };
}

import { describe, expect, it } from "vitest";
import { anyClaims } from "../../src/token/claims.ts";
import { verifyAccessToken } from "../../src/token/verify.ts";
import { forge, goodClaims } from "../support/forge.ts";
import { ISSUER } from "../support/service.ts";
import { verdictOf as answerOf } from "../support/verifier.ts";
import { keyOf, lookup } from "./keys.ts";
import { type Case, type Oracle, verdictOf } from "./oracle.ts";
import { NOW } from "./targets/token.ts";

const by = keyOf("ES256");
const maxLifetime = 86400;
const oracle: Oracle = {
  issuer: ISSUER,
  now: NOW,
  maxLifetime,
  algorithms: new Map([[by.kid, by.alg]]),
  revokedTokens: new Set(),
  revokedSubjects: new Map(),
};

const SIXTEEN = Array.from({ length: 16 }, (_, at) => `a${at}`);

type Row = [aud: unknown, expected: Case["audience"], verdict: ReturnType<typeof verdictOf>];
const ROWS: Row[] = [
  ["orders", "orders", "accepted"],
  ["orders", "billing", "wrong_audience"],
  ["orders", undefined, "accepted"],
  ["orders", ["billing", "orders"], "accepted"],
  ["orders", ["billing"], "wrong_audience"],
  ["orders", [], "wrong_audience"],
  [["orders"], "orders", "accepted"],
  [["orders", "billing"], "billing", "accepted"],
  [["orders", "billing"], "orders,billing", "wrong_audience"],
  [["orders", "billing"], ["x", "orders"], "accepted"],
  [["orders", "billing"], ["x", "y"], "wrong_audience"],
  [["orders", "billing"], undefined, "accepted"],
  [["orders", "orders"], "orders", "accepted"],
  [SIXTEEN, "a15", "accepted"],
  [[...SIXTEEN, "orders"], "orders", "invalid_token"],
  [[], undefined, "invalid_token"],
  [[""], "", "invalid_token"],
  [["orders", 1], "orders", "invalid_token"],
  [[["orders"]], "orders", "invalid_token"],
  [["orders", "a\n"], "orders", "invalid_token"],
  [{ 0: "orders" }, "orders", "invalid_token"],
  [null, undefined, "invalid_token"],
];

describe("the oracle of the fuzzer", () => {
  it.each(ROWS)(
    "gives a token for %j, where %j is expected, the verdict of the verifier: %s",
    async (aud, audience, verdict) => {
      const token = forge(by, { payload: goodClaims({ aud, iat: NOW, exp: NOW + 900 }) });
      expect(verdictOf({ token, signedBy: by.alg, audience }, oracle)).toBe(verdict);
      const expected = { issuer: ISSUER, audience, now: NOW, maxLifetime, claimsSchema: anyClaims };
      expect(await answerOf(verifyAccessToken(token, lookup, expected))).toBe(verdict);
    },
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { anyClaims, parseClaims, RESERVED_CLAIMS } from "../../src/token/claims.ts";
import type { JsonObject } from "../../src/token/json.ts";
import { hasRegisteredClaims, registeredClaims } from "../../src/token/registered-claims.ts";
import { anyCharacter } from "../support/any-character.ts";
import { goodClaims } from "../support/forge.ts";

const REQUIRED = ["iss", "sub", "aud", "iat", "exp", "jti", "client_id"];
const OPTIONAL = ["nbf", "scope", "sid", "grant_id"];

const texts = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "a",
    "a b",
    "a  b",
    " a",
    "a ",
    'a"b',
    "a\\b",
    "a\n",
    "\0",
    "\x7f",
    "\x80",
    "\x9f",
    "\xa0",
    "é",
  ),
  fc.constantFrom("\ud800", "\udc00a", "a\ud83d", "😀", "\u2028", "\u200b", "\ufeff"),
  fc.constantFrom(254, 255, 256, 1000, 1001).map((length) => "a".repeat(length)),
  fc.constantFrom(127, 128).map((length) => "😀".repeat(length)),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
);
const numbers = fc.oneof(
  fc.constantFrom(-1, -0, 0, 0.5, 1, 1.5, 2 ** 53 - 1, 2 ** 53, 1e300, Number.MIN_VALUE),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const values = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 3, arbitrary: numbers },
  { weight: 2, arbitrary: fc.array(texts, { maxLength: 4 }) },
  fc.constantFrom(15, 16, 17).map((length) => Array<string>(length).fill("a")),
  fc.constantFrom<unknown[]>(null, true, [["a"]], [1], ["a", null], {}, { 0: "a", length: 1 }),
);
const names = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...OPTIONAL, ...REQUIRED) },
  { weight: 1, arbitrary: fc.constantFrom(...RESERVED_CLAIMS) },
);
const reserved = fc.dictionary(names, values, { maxKeys: 2, noNullPrototype: true });
const custom = fc.dictionary(fc.constantFrom("role", "Iss", "sub ", "audience"), values, {
  maxKeys: 2,
  noNullPrototype: true,
});
const left = fc
  .tuple(fc.subarray(OPTIONAL), fc.option(fc.constantFrom(...REQUIRED), { freq: 1, nil: "" }))
  .map(([some, one]) => [...some, one]);

/** A valid payload with up to two reserved claims replaced or added, and some left out. */
const payloads = fc.tuple(custom, reserved, left).map(([others, changed, without]) => {
  const valid = { ...goodClaims(), nbf: 1, scope: "a b", sid: "s", grant_id: "g" };
  const entries = Object.entries({ ...others, ...valid, ...changed });
  return Object.fromEntries(entries.filter(([name]) => !without.includes(name))) as JsonObject;
});

test("hasRegisteredClaims accepts exactly what the schema of the registered claims accepts", () => {
  const verdicts = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(payloads, (payload) => {
      const present = Object.keys(payload).filter((name) => RESERVED_CLAIMS.has(name));
      const parsed = registeredClaims.safeParse(Object.fromEntries(present.map((name) => [name, payload[name]])));
      expect(hasRegisteredClaims(payload)).toBe(parsed.success);
      const claims = parseClaims(payload, anyClaims);
      if (parsed.success) expect(claims).toEqual({ ...payload, ...parsed.data });
      else expect(claims).toBeUndefined();
      verdicts[parsed.success ? "accepted" : "refused"] += 1;
    }),
    { numRuns: 10_000 },
  );
  expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(1000);
});

import { createSecretKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findForeignKey, importForeignKeys } from "../../src/keys/foreign-keys.ts";
import {
  type AssertionExpectations,
  type AssertionKeyLookup,
  type AssertionReason,
  claimedClientId,
  verifyClientAssertion,
} from "../../src/token/client-assertion.ts";
import { readJwk } from "../support/damage.ts";
import {
  encode,
  type Forge,
  forge,
  openForges,
  openPairForge,
  type PairForge,
  signSegments,
} from "../support/forge.ts";
import { ISSUER, NOW } from "../support/service.ts";

const CLIENT = "ci";
const forges = await openForges();
const { es256, rs256, edDsa, hs256 } = forges;
const stranger = await openPairForge("ES256");

async function lookupIn(pairs: readonly PairForge[]): Promise<AssertionKeyLookup> {
  const imported = await importForeignKeys({ keys: pairs.map(({ stored }) => readJwk(stored.publicJwk)) });
  return (header) => findForeignKey(imported?.keys ?? [], header);
}

const keys = await lookupIn(forges.pairs);

const header = ({ alg, kid }: Pick<Forge, "alg" | "kid">, changes: object = {}) => ({
  alg,
  kid,
  typ: "JWT",
  ...changes,
});

function claims(changes: object = {}): Record<string, unknown> {
  return { iss: CLIENT, sub: CLIENT, aud: ISSUER, iat: NOW, exp: NOW + 60, jti: "b7f0c2", ...changes };
}

/** A valid assertion with changed claims; `undefined` removes one. */
const assertion = (changes: object = {}) => forge(es256, { header: header(es256), payload: claims(changes) });

const verify = (text: unknown, changes: Partial<AssertionExpectations> = {}) =>
  verifyClientAssertion(text, { keys, issuer: ISSUER, clientId: CLIENT, now: NOW, ...changes });

const VERIFIED = { outcome: "verified", jti: "b7f0c2", exp: NOW + 60 };
const refusal = (reason: AssertionReason) => ({ outcome: "refused", reason });

describe("verifyClientAssertion", () => {
  it.each(forges.pairs)("verifies an assertion by $alg", async (by) => {
    expect(await verify(forge(by, { header: header(by), payload: claims() }))).toEqual(VERIFIED);
  });

  it.each([
    [{ typ: undefined }],
    [{ typ: "jwt" }],
    [{ typ: "application/jwt" }],
    [{ typ: "client-authentication+jwt" }],
    [{ typ: "Application/Client-Authentication+JWT" }],
  ])("verifies an assertion with the header %j", async (changes) => {
    expect(await verify(forge(es256, { header: header(es256, changes), payload: claims() }))).toEqual(VERIFIED);
  });

  it("verifies an assertion by Ed25519 under the name of RFC 9864", async () => {
    const text = forge(edDsa, { header: header(edDsa, { alg: "Ed25519" }), payload: claims() });
    expect(await verify(text)).toEqual(VERIFIED);
  });

  it("verifies an assertion without a kid by the only key of its algorithm", async () => {
    const text = forge(es256, { header: header(es256, { kid: undefined }), payload: claims() });
    expect(await verify(text)).toEqual(VERIFIED);
    const both = await lookupIn([es256, stranger]);
    expect(await verify(text, { keys: both })).toEqual(refusal("unknown_key"));
  });

  it.each([
    [{ iat: undefined }],
    [{ nbf: NOW }],
    [{ iat: NOW + 60, nbf: NOW + 60 }],
    [{ iat: 0 }],
    [{ iat: NOW - 0.5, exp: NOW + 59.25 }],
    [{ client_id: "another", scope: "admin", roles: ["admin"] }],
  ])("accepts the claims %j", async (changes) => {
    expect(await verify(assertion(changes))).toEqual(VERIFIED);
  });

  it("is accepted until exp, and returns it in whole seconds, rounded up", async () => {
    expect(await verify(assertion({ exp: NOW + 1 }))).toMatchObject({ exp: NOW + 1 });
    expect(await verify(assertion({ exp: NOW + 0.5 }))).toMatchObject({ exp: NOW + 1 });
    expect(await verify(assertion({ exp: NOW + 660 }))).toMatchObject({ exp: NOW + 660 });
  });

  it("returns a jti of 256 characters", async () => {
    expect(await verify(assertion({ jti: "~".repeat(256) }))).toMatchObject({ jti: "~".repeat(256) });
  });

  const CLAIM_ATTACKS: [AssertionReason, object[]][] = [
    [
      "wrong_audience",
      [
        { aud: undefined },
        { aud: null },
        { aud: "" },
        { aud: `${ISSUER}/` },
        { aud: `${ISSUER}/oauth/token` },
        { aud: ISSUER.toUpperCase() },
        { aud: ` ${ISSUER}` },
        { aud: "https://other.example" },
        { aud: [] },
        { aud: [ISSUER] },
        { aud: [ISSUER, "https://other.example"] },
        { aud: [[ISSUER]] },
        { aud: { 0: ISSUER } },
        { aud: CLIENT },
      ],
    ],
    [
      "wrong_client",
      [
        { iss: undefined },
        { sub: undefined },
        { iss: "other" },
        { sub: "other" },
        { iss: "other", sub: "other" },
        { iss: [CLIENT] },
        { sub: [CLIENT] },
        { iss: [[CLIENT]], sub: [[CLIENT]] },
        // Cyrillic letters, a full-width letter, an invisible one, another case.
        { iss: "сi", sub: "сi" },
        { iss: "cі", sub: "cі" },
        { iss: "ｃi", sub: "ｃi" },
        { iss: "ci\u200b", sub: "ci\u200b" },
        { iss: "CI", sub: "CI" },
        { iss: "ci ", sub: "ci " },
        { iss: ISSUER, sub: CLIENT },
      ],
    ],
    [
      "invalid_claims",
      [
        { exp: undefined },
        { exp: null },
        { exp: String(NOW + 60) },
        { exp: [NOW + 60] },
        { exp: -1 },
        { exp: true },
        { iat: "now" },
        { iat: null },
        { nbf: "now" },
        { nbf: -1 },
        { jti: undefined },
        { jti: null },
        { jti: "" },
        { jti: 7 },
        { jti: ["b7f0c2"] },
        { jti: "x".repeat(257) },
        { jti: "x".repeat(5000) },
        { jti: "a b" },
        { jti: "a\0" },
        { jti: "a\n" },
        { jti: "é" },
        { jti: "a\u200b" },
      ],
    ],
    ["expired", [{ exp: NOW }, { exp: NOW - 1 }, { exp: 0 }, { exp: NOW - 0.1 }]],
    ["lifetime_too_long", [{ exp: NOW + 661 }, { exp: NOW + 86400 }, { exp: Number.MAX_SAFE_INTEGER }]],
    ["not_yet_valid", [{ iat: NOW + 61 }, { nbf: NOW + 61 }, { iat: NOW + 60.5 }]],
  ];

  for (const [reason, attacks] of CLAIM_ATTACKS)
    it.each(attacks.map((changes) => [changes]))(`refuses the claims %j: ${reason}`, async (changes) => {
      expect(await verify(assertion(changes))).toEqual(refusal(reason));
    });

  it.each([
    [{ jwk: readJwk(es256.stored.publicJwk) }],
    [{ jku: "https://evil.example/jwks.json" }],
    [{ x5u: "https://evil.example/chain.pem" }],
    [{ x5c: ["AA=="] }],
    [{ crit: ["exp"], exp: NOW }],
    [{ crit: [] }],
    [{ b64: false }],
    [{ zip: "DEF" }],
    [{ cty: "JWT" }],
    [{ typ: "at+jwt" }],
    [{ typ: "dpop+jwt" }],
    [{ typ: "logout+jwt" }],
    [{ typ: "" }],
    [{ typ: null }],
    [{ typ: ["JWT"] }],
    [{ kid: "" }],
    [{ kid: 1 }],
    [{ kid: null }],
    [{ kid: "a b" }],
    [{ kid: "x".repeat(257) }],
  ])("refuses the header %j", async (changes) => {
    expect(await verify(forge(es256, { header: header(es256, changes), payload: claims() }))).toEqual(
      refusal("malformed"),
    );
  });

  it.each([
    "none",
    "None",
    "",
    "HS256",
    "HS512",
    "RS1",
    "ES256K",
    "ES512",
    "es256",
    "__proto__",
    "constructor",
    null,
    1,
  ])("refuses the algorithm %j without a look at the keys", async (alg) => {
    const text = forge(es256, { header: header(es256, { alg }), payload: claims() });
    const asked: unknown[] = [];
    const watched: AssertionKeyLookup = (wanted) => {
      asked.push(wanted);
      return keys(wanted);
    };
    expect(await verify(text, { keys: watched })).toEqual(refusal("unsupported_algorithm"));
    expect(asked).toEqual([]);
  });

  it("refuses a public key as the secret of HS256", async () => {
    const pem = es256.publicKey.export({ type: "spki", format: "pem" });
    for (const secret of [pem, es256.stored.publicJwk]) {
      const parts = { header: header(es256, { alg: "HS256" }), payload: claims() };
      const text = forge(es256, { ...parts, alg: "HS256", key: createSecretKey(Buffer.from(secret)) });
      expect(await verify(text)).toEqual(refusal("unsupported_algorithm"));
    }
    const shared = { kid: hs256.kid, alg: hs256.alg, key: hs256.key };
    const text = forge(hs256, { header: header(hs256), payload: claims() });
    expect(await verify(text, { keys: () => shared })).toEqual(refusal("unsupported_algorithm"));
  });

  it("refuses another algorithm than that of the key", async () => {
    const text = forge(rs256, { header: header(rs256, { alg: "PS256" }), payload: claims(), alg: "PS256" });
    expect(await verify(text)).toEqual(refusal("unknown_key"));
    const imported = keys({ alg: "RS256", kid: rs256.kid });
    expect(await verify(text, { keys: () => imported })).toEqual(refusal("unknown_key"));
  });

  it("refuses the key of another client, also under the kid of this one", async () => {
    const own = forge(stranger, { header: header(stranger), payload: claims() });
    expect(await verify(own)).toEqual(refusal("unknown_key"));
    const borrowed = forge(stranger, { header: header(es256), payload: claims() });
    expect(await verify(borrowed)).toEqual(refusal("bad_signature"));
    expect(await verify(assertion({ iss: "other", sub: "other" }), { clientId: "other" })).toEqual({
      ...VERIFIED,
    });
  });

  it("refuses an assertion whose keys could not be fetched", async () => {
    expect(await verify(assertion(), { keys: () => "keys_unavailable" })).toEqual(refusal("keys_unavailable"));
  });

  it("refuses changed claims, and a missing signature", async () => {
    const [head = "", , signature = ""] = assertion().split(".");
    expect(await verify(`${head}.${encode(claims({ jti: "other" }))}.${signature}`)).toEqual(refusal("bad_signature"));
    expect(await verify(`${head}.${encode(claims())}.`)).toEqual(refusal("malformed"));
    expect(await verify(`${head}.${encode(claims())}.AA`)).toEqual(refusal("bad_signature"));
  });

  it.each([
    ["a member twice", JSON.stringify(claims()).replace("{", '{"aud":"https://evil.example",')],
    ["a member twice, once escaped", JSON.stringify(claims()).replace("{", '{"\\u0061ud":"https://evil.example",')],
    ["an array", JSON.stringify([claims()])],
    ["no JSON", "ci"],
    ["a number beyond 2^53", JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999')],
    ["invalid UTF-8", Buffer.concat([Buffer.from(JSON.stringify(claims()).slice(0, -1)), Buffer.from([0xff, 0x7d])])],
    ["a prototype", JSON.stringify(claims()).replace("{", '{"__proto__":{},')],
    ["deep nesting", JSON.stringify(claims()).replace("{", `{"x":${"[".repeat(20)}${"]".repeat(20)},`)],
  ])("refuses a signed payload with %s", async (_, payload) => {
    const text = signSegments(es256, encode(header(es256)), encode(payload));
    expect(await verify(text)).toEqual(refusal("malformed"));
  });

  it("refuses a header with a member twice", async () => {
    const twice = JSON.stringify(header(es256)).replace("{", '{"alg":"none",');
    expect(await verify(signSegments(es256, encode(twice), encode(claims())))).toEqual(refusal("malformed"));
  });

  it.each([undefined, null, "", 1, {}, [], "a.b", "a.b.c.d", "..", "a.b.c", ["a.b.c"]])(
    "refuses %j, which is no assertion",
    async (text) => {
      expect(await verify(text)).toEqual(refusal("malformed"));
    },
  );

  it("refuses a JSON serialization, an assertion of more than 8,000 characters, and one with white space", async () => {
    const good = assertion();
    const [protectedHeader, payload, signature] = good.split(".");
    expect(await verify(JSON.stringify({ protected: protectedHeader, payload, signature }))).toEqual(
      refusal("malformed"),
    );
    expect(await verify(assertion({ padding: "x".repeat(6000) }))).toEqual(refusal("malformed"));
    for (const text of [` ${good}`, `${good}\n`, `${good}=`, good.replace(".", ". ")])
      expect(await verify(text)).toEqual(refusal("malformed"));
  });
});

describe("claimedClientId", () => {
  it("is the sub of an assertion, without a look at its signature", () => {
    expect(claimedClientId(assertion())).toBe(CLIENT);
    expect(claimedClientId(forge(stranger, { payload: claims({ sub: "other" }) }))).toBe("other");
  });

  it.each([{ sub: undefined }, { sub: "" }, { sub: 1 }, { sub: [CLIENT] }])("is absent for %j", (changes) => {
    expect(claimedClientId(assertion(changes))).toBeUndefined();
  });

  it.each([undefined, "", "a.b.c", {}])("is absent for %j", (text) => {
    expect(claimedClientId(text)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { anyClaims } from "../../src/token/claims.ts";
import { verifyIdTokenHint } from "../../src/token/id-token-hint.ts";
import { verifyAccessToken } from "../../src/token/verify.ts";
import { forge, openPairForge } from "../support/forge.ts";
import { forgedHints, hintHeader, hintOf } from "../support/forged-hints.ts";
import { ISSUER, NOW } from "../support/service.ts";

const [ours, ofAttacker, edDsa] = await Promise.all([
  openPairForge("ES256"),
  openPairForge("ES256"),
  openPairForge("EdDSA"),
]);
const claims = { iss: ISSUER, aud: "web", sub: "ada", sid: "sid-1", iat: NOW, exp: NOW + 900 };
const found = { clientId: "web", sid: "sid-1", subject: "ada" };

const verify = (token: unknown, by = ours) => verifyIdTokenHint(token, by.keyring.lookup, ISSUER);

describe("an id_token_hint", () => {
  it("is an id_token of this issuer: it says whom it was issued to, and in which session", async () => {
    expect(await verify(hintOf(ours, claims))).toEqual(found);
    expect(await verify(hintOf(edDsa, claims), edDsa)).toEqual(found);
  });

  it("is accepted after its expiry: a session outlives its id_tokens", async () => {
    expect(await verify(hintOf(ours, { ...claims, iat: 1, exp: 2 }))).toEqual(found);
  });

  it("has any other claims", async () => {
    const more = { nonce: "n", auth_time: NOW, at_hash: "h", email: "ada@example.com", jti: "x" };
    expect(await verify(hintOf(ours, { ...claims, ...more }))).toEqual(found);
  });

  it.each(Object.entries(forgedHints(ours, ofAttacker, claims)))("P37: is not %s", async (_, token) => {
    expect(await verify(token)).toBeUndefined();
  });

  it.each([undefined, null, 1, {}, ["x"]])("P37: is not %j", async (token) => {
    expect(await verify(token)).toBeUndefined();
  });

  it("P37: and is no access token, whatever its claims", async () => {
    const payload = { ...claims, aud: ISSUER, jti: "x", client_id: "web", scope: "openid" };
    const options = { issuer: ISSUER, audience: ISSUER, now: NOW, claimsSchema: anyClaims };
    const verifyAs = (typ: string) =>
      verifyAccessToken(forge(ours, { header: hintHeader(ours, { typ }), payload }), ours.keyring.lookup, options);
    await expect(verifyAs("at+jwt")).resolves.toMatchObject({ sub: "ada" });
    for (const typ of ["JWT", "jwt", "logout+jwt", "token-introspection+jwt"])
      await expect(verifyAs(typ)).rejects.toMatchObject({ reason: "invalid_token" });
  });
});

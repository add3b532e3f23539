import { X509Certificate } from "node:crypto";
import { expect } from "vitest";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { certify } from "../../support/der.ts";
import { forge, goodClaims, goodHeader, type PairForge } from "../../support/forge.ts";
import { countConnections } from "../../support/outbound.ts";
import { expectRefused } from "../../support/refusal.ts";

/** Rows 11 and 13 to 15: tokens that contain a key or its URL. */
export function keySelectionAttacks(suite: AttackSuite): void {
  const { forges, strangers } = suite;
  const [authority] = strangers;
  for (const [index, by] of forges.pairs.entries()) {
    const stranger = strangers[index];
    if (stranger === undefined || authority === undefined) throw new Error(`no stranger for ${by.alg}`);
    suite.refused(11, by, { tokens: keysInClaims(by, stranger) });
    suite.refused(13, by, { tokens: embeddedKeys(by, stranger) });
    suite.refused(15, by, { tokens: certificates({ by, stranger, authority }) });
  }
  nothingIsFetched(suite);
}

/** CVE-2025-65945: claims that select the key that verifies them. */
function keysInClaims(by: PairForge, stranger: PairForge): Tokens {
  const jwk = JSON.parse(stranger.stored.publicJwk);
  const { kid } = stranger;
  const choices = {
    kid,
    jwk,
    jwks: { keys: [jwk] },
    cnf: { jwk },
    tenant: "evil",
    iss: "http://evil.example",
    alg: "none",
  };
  return Object.fromEntries(
    Object.entries(choices).flatMap(([name, value]) =>
      Object.entries({ our: by.kid, "its own": kid, no: undefined }).map(([whose, kid]) => [
        `a stranger's token whose claim ${name} chooses the key | with ${whose} kid`,
        forge(stranger, { header: goodHeader(by, { kid }), payload: goodClaims({ [name]: value }) }),
      ]),
    ),
  );
}

/** CVE-2018-0114, CVE-2026-27962. */
function embeddedKeys(by: PairForge, stranger: PairForge): Tokens {
  const jwk = JSON.parse(stranger.stored.publicJwk);
  const own = JSON.parse(by.stored.publicJwk);
  const tokens: Tokens = {};
  for (const [name, kid] of Object.entries({ our: by.kid, "its own": stranger.kid, no: undefined })) {
    const sign = (embedded: unknown) => forge(stranger, { header: goodHeader(by, { kid, jwk: embedded }) });
    tokens[`a token under the key in its own header, with ${name} kid`] = sign(jwk);
    tokens[`a token under a key in its own header that bears our kid, with ${name} kid`] = sign({
      ...jwk,
      kid: by.kid,
    });
    tokens[`a token under the private key in its own header, with ${name} kid`] = sign(
      JSON.parse(stranger.stored.privateJwk),
    );
    tokens[`a token under a JWK Set in its own header, with ${name} kid`] = sign({ keys: [jwk] });
  }
  tokens["a good token that has our own key in its header"] = forge(by, { header: goodHeader(by, { jwk: own }) });
  tokens["a good token that has an empty key in its header"] = forge(by, { header: goodHeader(by, { jwk: {} }) });
  return tokens;
}

function nothingIsFetched(suite: AttackSuite): void {
  const { forges, strangers } = suite;
  suite.row(14, "verifyAccessToken refuses every URL in a header and opens no connection", async () => {
    await using outbound = await countConnections();
    for (const [index, by] of forges.pairs.entries()) {
      const tokens = tokensWithUrls({ by, stranger: strangers[index] ?? by, lure: outbound.url });
      for (const token of Object.values(tokens)) await expectRefused(token, by);
    }
    expect(outbound.count()).toEqual({ attempts: 0, arrivals: 0 });
    // Proves that the counters count.
    await fetch(outbound.url);
    expect(outbound.count()).toEqual({ attempts: 1, arrivals: 1 });
  });
}

/** Tokens with the URL of their key, among others the lure, which must receive no request. */
export function tokensWithUrls({ by, stranger, lure }: { by: PairForge; stranger: PairForge; lure: string }): Tokens {
  const tokens: Tokens = {};
  for (const url of hostileUrls(lure)) {
    const name = JSON.stringify(url);
    for (const member of ["jku", "x5u"]) {
      const header = goodHeader(by, { [member]: url });
      tokens[`the ${member} ${name} | of a stranger`] = forge(stranger, { header });
      tokens[`the ${member} ${name} | though we signed`] = forge(by, { header });
      const own = goodHeader(stranger, { [member]: url });
      tokens[`the ${member} ${name} | of a stranger under its own kid`] = forge(stranger, { header: own });
    }
    tokens[`the kid ${name} | of a stranger`] = forge(stranger, { header: goodHeader(by, { kid: url }) });
  }
  return tokens;
}

function hostileUrls(url: string): unknown[] {
  const { host } = new URL(url);
  return [
    `${url}/.well-known/jwks.json`,
    `${url}/redirect?to=http://169.254.169.254/`,
    `http://127.0.0.1:3000@${host}/jwks.json`,
    `http://127.0.0.1:3000.${host}/jwks.json`,
    `http://${host}/#http://127.0.0.1:3000/`,
    `//${host}/jwks.json`,
    "http://127.0.0.1/jwks.json",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/jwks.json",
    "http://localhost:1/jwks.json",
    "https://example.com/jwks.json",
    "file:///etc/passwd",
    "data:application/json,{}",
    "gopher://127.0.0.1:70/",
    [url],
    "",
    null,
  ];
}

function certificates({ by, stranger, authority }: Record<"by" | "stranger" | "authority", PairForge>): Tokens {
  const certificate = certify(stranger.publicKey, authority.key);
  const root = certify(authority.publicKey, authority.key);
  const read = new X509Certificate(certificate);
  if (!read.verify(authority.publicKey)) throw new Error("the certificate is not what it should be");
  const x5c = [certificate.toString("base64"), root.toString("base64")];
  const x5t = Buffer.from(read.fingerprint.replaceAll(":", ""), "hex").toString("base64url");
  const x5tS256 = Buffer.from(read.fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
  const headers: Record<string, object> = {
    "a certificate chain": { x5c },
    "a single certificate": { x5c: x5c.slice(0, 1) },
    "a certificate in PEM": { x5c: [read.toString()] },
    "a certificate outside of a list": { x5c: x5c[0] },
    "a certificate thumbprint by SHA-1": { x5t },
    "a certificate thumbprint by SHA-256": { "x5t#S256": x5tS256 },
    "a chain and its thumbprints": { x5c, x5t, "x5t#S256": x5tS256 },
    "an empty chain": { x5c: [] },
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, members]) => [
      [`${name} of the attacker's, who signed`, forge(stranger, { header: { ...goodHeader(by), ...members } })],
      [`${name} of the attacker's, though we signed`, forge(by, { header: { ...goodHeader(by), ...members } })],
    ]),
  );
}

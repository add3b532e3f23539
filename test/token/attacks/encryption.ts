import { createCipheriv, publicEncrypt, randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { CompactEncrypt } from "jose";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, type PairForge } from "../../support/forge.ts";

/** Rows 25 to 27 and 30: encryption, compression and nesting, which no access token has. */
export async function encryptionAttacks(suite: AttackSuite): Promise<void> {
  const { es256, es384, rs256, ps256, hs256 } = suite.forges;
  // Anyone with the public key can encrypt: decryption proves no signature. CVE-2026-29000, CVE-2023-51774.
  const recipients: [Forge, string, CompactEncryptKey][] = [
    [es256, "ECDH-ES", es256.publicKey],
    [es384, "ECDH-ES+A256KW", es384.publicKey],
    [rs256, "RSA-OAEP-256", rs256.publicKey],
    [ps256, "RSA-OAEP", ps256.publicKey],
    [hs256, "dir", hs256.key],
  ];
  for (const [by, alg, key] of recipients) suite.refused(25, by, { tokens: await encrypted(by, alg, key) });
  for (const by of [rs256, ps256]) suite.refused(26, by, { tokens: { "a JWE that inflates": zipBomb(by) } });
  for (const by of suite.forges.all) {
    suite.refused(26, by, { tokens: compressed(by) });
    suite.refused(27, by, { tokens: slowlyDerived(by) });
    suite.refused(30, by, { tokens: nested(by) });
  }
}

type CompactEncryptKey = Parameters<CompactEncrypt["encrypt"]>[0];

async function encrypted(by: Forge, alg: string, key: CompactEncryptKey): Promise<Tokens> {
  const contents = {
    "good claims": JSON.stringify(goodClaims()),
    "an unsigned token": `${encode({ alg: "none" })}.${encode(goodClaims())}.`,
    "a good token": forge(by),
  };
  const tokens: Tokens = {};
  for (const [name, content] of Object.entries(contents)) {
    for (const extra of [{}, { cty: "JWT" }, { typ: "at+jwt" }, { typ: "at+jwt", cty: "at+jwt" }]) {
      const jwe = await new CompactEncrypt(Buffer.from(content))
        .setProtectedHeader({ alg, enc: "A256GCM", kid: by.kid, ...extra })
        .encrypt(key);
      if (jwe.split(".").length !== 5) throw new Error("a JWE has five segments");
      const what = `a JWE around ${name} by ${alg} | ${JSON.stringify(extra)}`;
      tokens[what] = jwe;
      tokens[`${what} with as many segments as a JWS has`] = jwe.split(".").slice(0, 3).join(".");
    }
  }
  return tokens;
}

/** CVE-2022-36083: the token sets the number of password hash iterations, which takes hours. */
function slowlyDerived(by: Forge): Tokens {
  const members = { enc: "A128GCM", p2c: 2147483647, p2s: "c2FsdHNhbHQ" };
  const tokens: Tokens = {};
  for (const alg of ["PBES2-HS256+A128KW", "PBES2-HS512+A256KW", by.alg]) {
    const header = goodHeader(by, { ...members, alg });
    tokens[`a JWE whose key takes long to derive | ${alg}`] = [header, "key", "iv", "text", "tag"]
      .map(encode)
      .join(".");
    tokens[`a JWS that asks for a slow derivation | ${alg}`] = forge(by, { header });
  }
  return tokens;
}

const MEGABYTE = 1_000_000;

/** CVE-2024-28176, CVE-2024-33664: 4 MB of claims, compressed and encrypted (RFC 7516) in a short token. */
function zipBomb(by: PairForge): string {
  const content = deflateRawSync(JSON.stringify(goodClaims({ x: "x".repeat(4 * MEGABYTE) })), { level: 9 });
  const key = randomBytes(32);
  const iv = randomBytes(12);
  const header = encode({ alg: "RSA-OAEP-256", enc: "A256GCM", zip: "DEF", typ: "at+jwt", kid: by.kid });
  const encryptedKey = publicEncrypt({ key: by.publicKey, oaepHash: "sha256" }, key);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(header));
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  const jwe = [header, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map(encode)].join(".");
  if (jwe.length > 8000) throw new Error("the bomb is too long to be tried");
  return jwe;
}

function compressed(by: Forge): Tokens {
  const claims = JSON.stringify(goodClaims());
  const zip = (value: unknown, payload: Buffer | string) =>
    forge(by, { header: goodHeader(by, { zip: value }), payload });
  return {
    "a JWS with zip DEF": zip("DEF", deflateRawSync(claims)),
    "a JWS with zip DEF that was not compressed": zip("DEF", claims),
    "a JWS with zip GZIP": zip("GZIP", claims),
    "a JWS with zip null": zip(null, claims),
    "a compressed payload that does not say so": forge(by, { payload: deflateRawSync(claims) }),
  };
}

function nested(by: Forge): Tokens {
  const inner = forge(by);
  const under = (header: object, payload: string | object) =>
    forge(by, { header: goodHeader(by, { ...header }), payload });
  const tokens: Tokens = {
    "a token around a token": forge(by, { payload: inner }),
    "a token around a token in quotes": forge(by, { payload: JSON.stringify(inner) }),
    "a token around an unsigned token": forge(by, { payload: `${encode({ alg: "none" })}.${encode(goodClaims())}.` }),
  };
  for (const cty of ["JWT", "jwt", "at+jwt", "application/jwt", "json", "", null]) {
    tokens[`cty ${JSON.stringify(cty)} around a token`] = under({ cty }, inner);
    tokens[`cty ${JSON.stringify(cty)} around good claims`] = under({ cty }, goodClaims());
  }
  return tokens;
}

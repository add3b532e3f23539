import { createSecretKey } from "node:crypto";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, forge, goodHeader, type PairForge, signAs, withSignature } from "../../support/forge.ts";

/** Row 2: a MAC with a public key as the secret (algorithm confusion, RFC 8725 §2.1). */
export function confusionAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.pairs) suite.refused(2, by, { tokens: confusions(by) });
}

// CVE-2015-9235, CVE-2016-10555. The spellings defeat checks for a PEM header at the start of the
// text: CVE-2022-29217, CVE-2023-48223 and its three repetitions.
function spellings(by: PairForge): Record<string, string | Buffer> {
  const pem = by.publicKey.export({ type: "spki", format: "pem" }).toString();
  const jwk = JSON.parse(by.stored.publicJwk);
  const material: string = jwk.x ?? jwk.n;
  return {
    "the public key as PEM": pem,
    "the PEM without its last newline": pem.trimEnd(),
    "the PEM with a newline more": `${pem}\n`,
    "the PEM with CRLF": pem.replaceAll("\n", "\r\n"),
    "the PEM after a space": ` ${pem}`,
    "the PEM after a newline": `\n${pem}`,
    "the PEM after a byte order mark": `\uFEFF${pem}`,
    "the PEM after a zero-width space": `\u200B${pem}`,
    "the PEM after a comment": `# the key\n${pem}`,
    "the body of the PEM": pem.replaceAll(/-----.*-----|\n/g, ""),
    "the public key as DER": by.publicKey.export({ type: "spki", format: "der" }),
    "the JWK as it is published": by.stored.publicJwk,
    "the JWK alone": JSON.stringify(by.publicKey.export({ format: "jwk" })),
    "the JWK in several lines": JSON.stringify(jwk, null, 2),
    "the JWK Set": JSON.stringify(by.keyring.jwks),
    "the JWK Set in several lines": JSON.stringify(by.keyring.jwks, null, 2),
    "the x or n of the key": Buffer.from(material, "base64url"),
    "the x or n of the key in base64url": material,
    "the thumbprint of the key": by.kid,
    "the empty string": "",
    ...pkcs1(by),
  };
}

function pkcs1({ publicKey }: PairForge): Record<string, string | Buffer> {
  if (publicKey.asymmetricKeyType !== "rsa") return {};
  return {
    "the public key as PKCS#1 PEM": publicKey.export({ type: "pkcs1", format: "pem" }).toString(),
    "the public key as PKCS#1 DER": publicKey.export({ type: "pkcs1", format: "der" }),
  };
}

function confusions(by: PairForge): Tokens {
  const tokens: Tokens = {};
  for (const [name, secret] of Object.entries(spellings(by))) {
    const key = createSecretKey(Buffer.from(secret));
    for (const alg of ["HS256", "HS384", "HS512"]) {
      tokens[`a MAC keyed with ${name} | ${alg}`] = forge(by, { alg, key, header: goodHeader(by, { alg }) });
    }
    const unsigned = forge(by);
    const mac = signAs("HS256", key, Buffer.from(unsigned.slice(0, unsigned.lastIndexOf("."))));
    tokens[`a MAC keyed with ${name} | HS256 labelled ${by.alg}`] = withSignature(unsigned, mac);
  }
  const embedded = { kty: "oct", k: encode("0123456789abcdef0123456789abcdef") };
  const key = createSecretKey("0123456789abcdef0123456789abcdef", "utf8");
  tokens["a token under a secret that its own header brings along"] = forge(by, {
    alg: "HS256",
    key,
    header: goodHeader(by, { alg: "HS256", jwk: embedded }),
  });
  return tokens;
}

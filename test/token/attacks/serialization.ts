import { expect } from "vitest";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, type Forge, forge, goodClaims, goodHeader } from "../../support/forge.ts";
import { expectRefused } from "../../support/refusal.ts";

/** Rows 22 to 24: the wrong number of segments, huge tokens, and texts that are not a compact JWS. */
export function serializationAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.all) {
    suite.refused(22, by, { tokens: miscounted(by) });
    suite.refused(23, by, { tokens: tooLong(by) });
    suite.refused(24, by, { tokens: otherSerializations(by) });
  }
  giantsAreRefusedByLength(suite);
}

/** CVE-2025-30204, CVE-2025-27144. */
function miscounted(by: Forge): Tokens {
  const token = forge(by);
  const [header = "", payload = "", signature = ""] = token.split(".");
  const counted = (parts: string[]) => [`${parts.length} segments`, parts.join(".")] as const;
  return {
    "the empty string": "",
    "only dots": "..",
    "a thousand dots": ".".repeat(1000),
    "sixty thousand dots": ".".repeat(60_000),
    ...Object.fromEntries([
      counted([header]),
      counted([header, payload]),
      counted([header, payload, signature, signature]),
      counted([header, payload, signature, "", ""]),
      counted([header, payload, signature, header, payload, signature]),
    ]),
    "a dot in front": `.${token}`,
    "a dot behind": `${token}.`,
    "a doubled dot": `${header}..${payload}.${signature}`,
    "an empty header": `.${payload}.${signature}`,
    "an empty payload": `${header}..${signature}`,
    "an empty payload that is signed": forge(by, { payload: "" }),
    "an empty header that is signed": forge(by, { header: "" }),
    "full-width dots": token.replaceAll(".", "\uff0e"),
    "commas for dots": token.replaceAll(".", ","),
    "two tokens with a comma between them": `${token},${token}`,
    "two tokens with a space between them": `${token} ${token}`,
    "two tokens in two lines": `${token}\n${token}`,
    "a token with its scheme": `Bearer ${token}`,
    "a token in quotes": `"${token}"`,
    "a token with a fragment": `${token}#`,
    "a token with a query": `${token}?a=b`,
  };
}

/** RFC 7515 §7.2, and what an untyped caller may pass instead of a string. */
function otherSerializations(by: Forge): Tokens {
  const token = forge(by);
  const [header = "", payload = "", signature = ""] = token.split(".");
  const flattened = { payload, protected: header, signature };
  const general = { payload, signatures: [{ protected: header, signature }] };
  const polyglot = { ...flattened, decoy: `.${header}.` };
  return {
    "a flattened JWS": flattened,
    "a flattened JWS as text": JSON.stringify(flattened),
    "a flattened JWS in base64url": encode(flattened),
    "a flattened JWS with an unprotected header": { ...flattened, header: goodHeader(by) },
    "a flattened JWS with nothing but an unprotected header": { payload, header: goodHeader(by), signature },
    "a general JWS": general,
    "a general JWS as text": JSON.stringify(general),
    "a general JWS with no signatures": { payload, signatures: [] },
    "a JSON text that splits at its dots into three": JSON.stringify(polyglot),
    "a compact token inside of a JSON text": JSON.stringify(token),
    "a list with a token in it": [token],
    "a token in three pieces": [header, payload, signature],
    "a String object": new String(token),
    "an object that turns into a token": { toString: () => token, length: token.length },
    "the bytes of a token": Buffer.from(token),
    "a number": 1,
    "a boolean": true,
    "a function": () => token,
    "a symbol": Symbol.iterator,
    null: null,
    undefined,
    "an empty object": {},
  };
}

/** Valid except for their length: 6,000 bytes of claims are 8,000 characters. */
function tooLong(by: Forge): Tokens {
  const padded = (bytes: number) => {
    const room = bytes - JSON.stringify(goodClaims({ x: "" })).length;
    return forge(by, { payload: goodClaims({ x: "x".repeat(room) }) });
  };
  return {
    "a good token of more than 8,000 characters": padded(6000),
    "a good token of more than 12,000 characters": padded(9000),
    "a good token of more than 50,000 characters": padded(38_000),
  };
}

const MEGABYTE = 1_000_000;

function giantsAreRefusedByLength({ row, forges }: AttackSuite): void {
  const by = forges.es256;
  const [header = "", payload = "", signature = ""] = forge(by).split(".");
  // CVE-2025-61920: a header of 500 MB took 4 GB of memory to refuse.
  const giants: [row: number, name: string, make: () => string][] = [
    [22, "10 MB of dots", () => ".".repeat(10 * MEGABYTE)],
    [23, "a header of 20 MB", () => `${"A".repeat(20 * MEGABYTE)}.${payload}.${signature}`],
    [23, "a payload of 20 MB", () => `${header}.${"A".repeat(20 * MEGABYTE)}.${signature}`],
    [23, "a signature of 20 MB", () => `${header}.${payload}.${"A".repeat(20 * MEGABYTE)}`],
    [23, "a segment of 20 MB that ends badly", () => `${header}.${payload}.${"A".repeat(20 * MEGABYTE)}=`],
    [23, "20 MB of spaces behind a token", () => forge(by) + " ".repeat(20 * MEGABYTE)],
    [
      23,
      "a good signature over a claim of 1 MB",
      () => forge(by, { payload: goodClaims({ x: "x".repeat(MEGABYTE) }) }),
    ],
    [
      23,
      "a good signature over a header of 1 MB",
      () => forge(by, { header: goodHeader(by, { x: "x".repeat(MEGABYTE) }) }),
    ],
  ];
  for (const [number, name, make] of giants) {
    row(number, `verifyAccessToken refuses ${name} at once`, async () => {
      const token = make();
      const start = performance.now();
      for (let count = 0; count < 10; count += 1) await expectRefused(token, by);
      expect(performance.now() - start).toBeLessThan(1000);
    });
  }
}

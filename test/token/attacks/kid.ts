import { createSecretKey } from "node:crypto";
import { expect } from "vitest";
import { verifyJws } from "../../../src/token/jws.ts";
import { claimedIdentity } from "../../../src/token/verify.ts";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { type Forge, forge, goodHeader, keyringOf } from "../../support/forge.ts";
import { expectRefused } from "../../support/refusal.ts";
import { NOW } from "../../support/service.ts";

/** Rows 16 and 17: headers with a harmful kid, or without one. */
export function kidAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.all) {
    suite.refused(16, by, { tokens: injections(by) });
    suite.refused(17, by, { tokens: withoutKid(by) });
  }
  noKeyIsAskedForByAStrangeName(suite);
  kidIsNeededAmongSeveralKeys(suite);
  strangeKidsClaimNothing(suite);
}

const KIDS: unknown[] = [
  ...["", " ", ".", "..", "../../../dev/null", "/dev/null", "..\\..\\NUL", "%2e%2e%2fdev%2fnull", "file:///dev/null"],
  ...["' UNION SELECT 'x'--", "' OR 1=1--", "key; sleep 10", "$(sleep 10)", "`id`", "|id", "{{7*7}}", "%s%n", "*", "?"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "undefined", "null", "0", "a".repeat(65)],
  ...["a".repeat(5000), "kid\0", "kid\r\nlevel=fatal msg=forged", "\u202e", "ключ"],
  ...[0, 1, -1, true, false, null, [], {}, { toString: "kid" }, { $ne: null }, { $gt: "" }],
];

function injections(by: Forge): Tokens {
  const kids: [name: string, kid: unknown][] = [
    ...KIDS.map((kid): [string, unknown] => [abbreviate(JSON.stringify(kid)), kid]),
    ...Object.entries(similarTo(by.kid)),
  ];
  // `AA==`, of the PortSwigger labs: the key that a verifier reads from /dev/null.
  const secrets = { "a key of one zero byte": Buffer.from("AA==", "base64"), "an empty key": Buffer.alloc(0) };
  const tokens: Tokens = {};
  for (const [name, kid] of kids) {
    tokens[`the kid ${name} | under our key`] = forge(by, { header: goodHeader(by, { kid }) });
    for (const [whose, secret] of Object.entries(secrets)) {
      const header = goodHeader(by, { kid, alg: "HS256" });
      tokens[`the kid ${name} | under ${whose}`] = forge(by, { alg: "HS256", key: createSecretKey(secret), header });
    }
  }
  tokens["a kid of 1 MB"] = forge(by, { header: goodHeader(by, { kid: "a".repeat(1_000_000) }) });
  return tokens;
}

function similarTo(kid: string): Record<string, unknown> {
  return {
    "of ours after a space": ` ${kid}`,
    "of ours before a space": `${kid} `,
    "of ours before a line feed": `${kid}\n`,
    "of ours before a NUL": `${kid}\0`,
    "of ours with padding": `${kid}=`,
    "of ours with an accent": `${kid}\u0301`,
    "of ours by way of a folder": `${kid}/../${kid}`,
    "of ours in a list": [kid],
    "of ours in an object": { kid },
    "of ours without its end": kid.slice(0, -1),
    "of ours without its start": kid.slice(1),
    "of ours with a letter more": `${kid}A`,
    "of ours in the other case": swapCase(kid),
  };
}

/** Another key lookup, by files or tables, must never receive a path or a piece of SQL. */
function noKeyIsAskedForByAStrangeName({ row, forges }: AttackSuite): void {
  row(16, "verifyJws looks up no kid but 1 to 64 characters of base64url", async () => {
    const asked: unknown[] = [];
    const by = forges.es256;
    for (const kid of KIDS) {
      const token = forge(by, { header: goodHeader(by, { kid }) });
      await verifyJws(token, (name) => {
        asked.push(name);
        return undefined;
      });
    }
    expect(asked).toEqual(KIDS.filter((kid) => typeof kid === "string" && /^[\w-]{1,64}$/.test(kid)));
  });
}

/** `{ toString: "kid" }` cannot become text: a reader that tries throws. */
function strangeKidsClaimNothing({ row, forges }: AttackSuite): void {
  row(16, "claimedIdentity returns no identity for any such kid", () => {
    for (const kid of KIDS) {
      const token = forge(forges.hs256, { header: goodHeader(forges.hs256, { kid }) });
      expect(claimedIdentity(token, { kids: [forges.hs256.kid, "[object Object]"], latest: NOW })).toBeUndefined();
    }
  });
}

function swapCase(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
}

function abbreviate(text: string): string {
  return text.length > 60 ? `${text.slice(0, 20)}… (${text.length} characters)` : text;
}

function withoutKid(by: Forge): Tokens {
  return { "a token without a kid": forge(by, { header: goodHeader(by, { kid: undefined }) }) };
}

function kidIsNeededAmongSeveralKeys({ row, forges }: AttackSuite): void {
  row(17, "verifyAccessToken refuses a token without a kid where there are several keys", async () => {
    const keyring = await keyringOf(forges.pairs.map(({ stored }) => stored));
    for (const by of forges.pairs) {
      await expectRefused(forge(by, { header: goodHeader(by, { kid: undefined }) }), { keyring });
    }
  });
}

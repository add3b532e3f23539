import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, signAs, signSegments, spell } from "../../support/forge.ts";

/** Rows 28 and 29: header parameters that change the meaning of the rest. */
export function headerAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(28, by, { tokens: critical(by) });
    suite.refused(29, by, { tokens: unencoded(by) });
    suite.refused(28, by, { tokens: unknownMembers(by) });
  }
}

/** RFC 7515 §4.1.11: unknown critical extensions must be refused. CVE-2026-32597, CVE-2025-59420. */
function critical(by: Forge): Tokens {
  const headers: object[] = [
    ...[["foo"], ["exp"], [], "foo", [1], ["__proto__"], null, {}, true, 0, "", [""], [null], [["foo"]]],
    ...[["alg"], ["kid"], ["typ"], ["crit"], ["alg", "kid", "typ"], ["b64"], ["foo", "foo"], ["constructor"]],
  ].map((crit) => ({ crit }));
  headers.push(
    { crit: ["foo"], foo: 1 },
    { crit: ["exp"], exp: 1 },
    { crit: ["foo", "foo"], foo: 1 },
    { crit: ["b64"], b64: true },
    { crit: ["http://example.com/UNDEFINED"], "http://example.com/UNDEFINED": true },
    { CRIT: ["foo"] },
  );
  const tokens: Tokens = {};
  for (const members of headers) {
    tokens[`the header members ${JSON.stringify(members)}`] = forge(by, { header: { ...goodHeader(by), ...members } });
  }
  tokens["a critical __proto__ that is there"] = forge(by, {
    header: spell({ ...goodHeader(by), crit: ["__proto__"] }, "__proto__", "1"),
  });
  return tokens;
}

/** RFC 7797: with an unencoded payload, two parsers see different claims under one signature. */
function unencoded(by: Forge): Tokens {
  const tokens: Tokens = {};
  const claims = JSON.stringify(goodClaims());
  for (const [name, members] of Object.entries({
    "with crit": { b64: false, crit: ["b64"] },
    "without crit": { b64: false },
  })) {
    const header = goodHeader(by, members);
    const input = Buffer.from(`${encode(header)}.${claims}`);
    const signature = encode(signAs(by.alg, by.key, input));
    tokens[`b64 false ${name} and the payload in the clear`] = `${encode(header)}.${claims}.${signature}`;
    tokens[`b64 false ${name} and the payload encoded`] = forge(by, { header });
    tokens[`b64 false ${name} and the payload detached`] = `${encode(header)}..${signature}`;
    tokens[`b64 false ${name} and a payload that is base64url by itself`] = signSegments(by, encode(header), "abcd");
    tokens[`b64 false ${name}, signed in the clear and sent encoded`] =
      `${encode(header)}.${encode(claims)}.${signature}`;
  }
  for (const b64 of [true, null, 0, "false"]) {
    tokens[`b64 ${JSON.stringify(b64)}`] = forge(by, { header: goodHeader(by, { b64 }) });
  }
  return tokens;
}

/** An ignored parameter becomes an attack once some code reads it. */
function unknownMembers(by: Forge): Tokens {
  const names = [
    ...["enc", "epk", "p2c", "p2s", "apu", "iv", "tag", "nonce", "iss"],
    ...["sub", "aud", "exp", "ppt", "svt", "x", "", "Alg", "ALG"],
  ];
  return Object.fromEntries(
    names.map((name) => [
      `the header member ${JSON.stringify(name)}`,
      forge(by, { header: goodHeader(by, { [name]: "x" }) }),
    ]),
  );
}

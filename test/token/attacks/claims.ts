import { expect } from "vitest";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { claimsWith, type Forge, forge, goodClaims } from "../../support/forge.ts";
import { verify } from "../../support/refusal.ts";
import { ISSUER } from "../../support/service.ts";

/** Rows 39, 40 and 45: audience, issuer, subject. Compared exactly, without conversion. */
export function claimAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(39, by, { tokens: spelled(by, { name: "aud", values: NO_AUDIENCES }), audience: AUDIENCE });
    suite.refused(39, by, { tokens: { "a missing aud": forge(by, { payload: goodClaims({ aud: undefined }) }) } });
    suite.refused(39, by, {
      tokens: named(by, { name: "aud", values: OTHER_AUDIENCES }),
      audience: AUDIENCE,
      reason: "wrong_audience",
    });
    suite.accepted(39, by, { tokens: named(by, { name: "aud", values: GOOD_AUDIENCES }), audience: AUDIENCE });

    suite.refused(40, by, { tokens: spelled(by, { name: "iss", values: NO_ISSUERS }) });
    suite.refused(40, by, { tokens: { "a missing iss": forge(by, { payload: goodClaims({ iss: undefined }) }) } });
    suite.refused(40, by, { tokens: named(by, { name: "iss", values: OTHER_ISSUERS }), reason: "wrong_issuer" });

    for (const name of ["sub", "jti", "client_id", "iss", "aud"]) {
      suite.refused(45, by, {
        tokens: spelled(by, { name, values: NO_IDENTIFIERS, called: `a ${name} that is no identifier |` }),
      });
    }
    suite.refused(45, by, {
      tokens: spelled(by, { name: "scope", values: NO_SCOPES, called: "a scope of the wrong form |" }),
    });
    digitsArePreserved(suite, by);
  }
}

const AUDIENCE = "payments-api";

// CVE-2020-26160: a list instead of a string counted as no audience.
const NO_AUDIENCES = [
  ...['[["payments-api"]]', '{"aud":"payments-api"}', '{"0":"payments-api"}', "1", "[]", "null", "true", '""', '[""]'],
  ...['["payments-api",1]', '["payments-api",null]', '["payments-api",["payments-api"]]', '["payments-api\\u0000"]'],
  JSON.stringify(Array.from({ length: 17 }, () => AUDIENCE)),
];

const OTHER_AUDIENCES = [
  ...["payments", "payments-ap", "payments-api2", "xpayments-api", "Payments-Api", "PAYMENTS-API", "payments-api "],
  ...[" payments-api", "p\u0430yments-api", "payments\u2010api"],
  ...["payments-api\u200b", "payments-api/", "*", ".*", "payments-api,x"],
  ...[["payments", "api"], ["payments-api "], ["x"], "payments-api orders", "https://payments-api", ISSUER],
];

const GOOD_AUDIENCES = [AUDIENCE, [AUDIENCE], ["x", AUDIENCE], [AUDIENCE, "x"], [AUDIENCE, AUDIENCE]];

// CVE-2025-30144: a list with the issuer counted as the issuer.
const NO_ISSUERS = [`["${ISSUER}"]`, `["x","${ISSUER}"]`, `{"iss":"${ISSUER}"}`, "null", '""', "1", "true", "[]"];

// CVE-2024-53861: a part of the issuer counted as the issuer.
const OTHER_ISSUERS = [
  ...[
    `${ISSUER}/`,
    `${ISSUER} `,
    ` ${ISSUER}`,
    ISSUER.slice(0, -1),
    ISSUER.slice(1),
    `${ISSUER}0`,
    `${ISSUER}/x`,
    "http",
  ],
  ...[ISSUER.toUpperCase(), "https://127.0.0.1:3000", "http://127.0.0.1", "http://127.1:3000", "http://localhost:3000"],
  ...[`${ISSUER}#`, `${ISSUER}?`, `http://evil@127.0.0.1:3000`],
  ...[`${ISSUER}.evil.example`, "http://127.0.0.1:03000", "x"],
];

/** Parsers round numbers differently, and some ignore an identifier that is not a string. */
const NO_IDENTIFIERS = [
  ...["9007199254740993", "9007199254740992", "1", "0", "1e0"],
  ...["null", "true", "{}", "[]", '[""]', '{"$ne":null}', '""'],
  ...['"a\\u0000b"', '"a\\r\\nb"', '"\\u0007"', '"\\u0085"', '"\\ud800"', JSON.stringify("x".repeat(256))],
];

const NO_SCOPES = [
  ...["1", "null", "[]", '["read"]', "{}", '""', '" "', '"a  b"'],
  ...['" a"', '"a "', '"a\\tb"', '"a\\nb"', '"é"', '"a\\"b"'],
  ...['"a\\\\b"', '"a\\u00a0b"', JSON.stringify("x".repeat(1001))],
];

type Values<Value> = { name: string; values: readonly Value[]; called?: string };

function spelled(by: Forge, { name, values, called = name }: Values<string>): Tokens {
  return Object.fromEntries(
    values.map((json) => [`${called} ${abbreviate(json)}`, forge(by, { payload: claimsWith(name, json) })]),
  );
}

function named(by: Forge, { name, values }: Values<unknown>): Tokens {
  return spelled(by, { name, values: values.map((value) => JSON.stringify(value)) });
}

function abbreviate(json: string): string {
  return json.length > 80 ? `${json.slice(0, 20)}… (${json.length} characters)` : json;
}

function digitsArePreserved({ row }: AttackSuite, by: Forge): void {
  row(45, `verifyAccessToken gives back every digit of an identifier`, async () => {
    const digits = "9007199254740993";
    const claims = await verify(
      forge(by, { payload: goodClaims({ sub: digits, jti: digits, client_id: digits }) }),
      by,
    );
    expect([claims.sub, claims.jti, claims.client_id]).toEqual([digits, digits, digits]);
  });
}

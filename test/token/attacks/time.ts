import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { claimsWith, type Forge, forge, goodClaims } from "../../support/forge.ts";
import { MAX_LIFETIME } from "../../support/refusal.ts";
import { NOW } from "../../support/service.ts";

/** Rows 35 to 37: times that are missing, past, future or invalid. */
export function timeAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(35, by, { tokens: spelled(by, "exp") });
    suite.refused(35, by, { tokens: badExpiry(by) });
    suite.refused(35, by, { tokens: pastExpiry(by), reason: "token_expired" });
    suite.accepted(35, by, { tokens: goodExpiry(by) });

    suite.refused(36, by, {
      tokens: { ...spelled(by, "nbf"), "nbf null": forge(by, { payload: claimsWith("nbf", "null") }) },
    });
    suite.refused(36, by, { tokens: futureStart(by), reason: "not_yet_valid" });
    suite.accepted(36, by, { tokens: { "nbf at this moment": withTimes(by, { nbf: NOW }), "no nbf": forge(by) } });

    suite.refused(37, by, { tokens: spelled(by, "iat") });
    suite.refused(37, by, { tokens: { "a missing iat": withTimes(by, { iat: undefined }) } });
    suite.refused(37, by, { tokens: futureIssue(by), reason: "not_yet_valid" });
    suite.accepted(37, by, {
      tokens: {
        "iat 60 seconds ahead": withTimes(by, { iat: NOW + 60 }),
        "iat and exp a day apart": withTimes(by, { iat: NOW - 60, exp: NOW - 60 + MAX_LIFETIME }),
      },
    });
  }
}

function withTimes(by: Forge, times: Record<string, number | undefined>): string {
  return forge(by, { payload: goodClaims(times) });
}

// CVE-2026-44459: 1e999 is parsed as Infinity, so the token never expires. RFC 7519 §2 allows fractions; Mintmark
// writes none and accepts none.
const NO_TIMES = [
  ...['"x"', '""', "null", "[]", "{}", "true", "false", "-1", "0", "-0", "0.5", "1e308", "-1e308", "1e999", "-1e999"],
  ...["9007199254740993", "18446744073709551616", `"${NOW + 900}"`, `[${NOW + 900}]`, `${NOW + 900}.5`, `-${NOW}`],
  ...['"2027-01-01T00:15:00Z"', '"1e999"', '"Infinity"', '"NaN"', "5e-324"],
];

function spelled(by: Forge, name: string): Tokens {
  return Object.fromEntries(
    NO_TIMES.map((json) => [`${name} ${json}`, forge(by, { payload: claimsWith(name, json) })]),
  );
}

function badExpiry(by: Forge): Tokens {
  return {
    "a missing exp": withTimes(by, { exp: undefined }),
    "exp in milliseconds": withTimes(by, { exp: (NOW + 900) * 1000 }),
    "exp and iat in milliseconds": withTimes(by, { exp: (NOW + 900) * 1000, iat: NOW * 1000 }),
    "exp a second beyond the longest lifetime": withTimes(by, { exp: NOW + MAX_LIFETIME + 1 }),
    "exp at iat": withTimes(by, { exp: NOW, iat: NOW }),
    "exp before iat": withTimes(by, { iat: NOW + 30, exp: NOW + 20 }),
    "exp in the year 9999": withTimes(by, { exp: 253402300799 }),
  };
}

function pastExpiry(by: Forge): Tokens {
  return {
    "exp at this moment": withTimes(by, { iat: NOW - 900, exp: NOW }),
    "exp a second ago": withTimes(by, { iat: NOW - 900, exp: NOW - 1 }),
    "exp a year ago": withTimes(by, { iat: NOW - 31536000, exp: NOW - 31535100 }),
    "exp in 1970": withTimes(by, { iat: 1, exp: 2 }),
  };
}

function goodExpiry(by: Forge): Tokens {
  return {
    "exp in a second": withTimes(by, { exp: NOW + 1 }),
    "exp after the longest lifetime": withTimes(by, { exp: NOW + MAX_LIFETIME }),
    // The same number in JSON.
    "exp with a fraction of zero": forge(by, { payload: claimsWith("exp", `${NOW + 900}.0`) }),
  };
}

function futureStart(by: Forge): Tokens {
  return {
    "nbf in a second": withTimes(by, { nbf: NOW + 1 }),
    "nbf at exp": withTimes(by, { nbf: NOW + 900 }),
    "nbf in a year": withTimes(by, { nbf: NOW + 31536000 }),
    "nbf in milliseconds": withTimes(by, { nbf: NOW * 1000 }),
  };
}

/** A stolen key must not sign tokens that become valid later. */
function futureIssue(by: Forge): Tokens {
  const issuedAt = (iat: number) => withTimes(by, { iat, exp: iat + 900 });
  return {
    "iat 61 seconds ahead": issuedAt(NOW + 61),
    "iat three days ahead": issuedAt(NOW + 3 * 86400),
    "iat ten years ahead": issuedAt(NOW + 315360000),
  };
}

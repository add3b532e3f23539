import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { type Forge, forge, goodClaims, goodHeader } from "../../support/forge.ts";
import { NOW } from "../../support/service.ts";

/** Row 41: tokens of the same issuer and key for another purpose (RFC 8725 §3.11). */
export function purposeAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(41, by, { tokens: otherTypes(by) });
    suite.refused(41, by, { tokens: otherClaims(by) });
    suite.accepted(41, by, { tokens: sameType(by) });
  }
}

const OTHER_TYPES = [
  ...["JWT", "jwt", "id+jwt", "refresh+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt"],
  ...["client-authentication+jwt", "oauth-authz-req+jwt"],
  ...["application/jwt", "JOSE", "JOSE+JSON", "at", "jwt+at", "at-jwt"],
  ...["", " ", "at+jwt ", " at+jwt", "at+jwt\n", "at+jwt\0"],
  ...["at jwt", "xat+jwt", "at+jwtx", "at+jwt;v=1", "text/at+jwt"],
  ...["application/application/at+jwt", "application/"],
  ...["application/at+jwt; charset=utf-8", "a\u0442+jwt", "at\uff0bjwt"],
  ...[undefined, null, 1, true, ["at+jwt"], { typ: "at+jwt" }],
];

function otherTypes(by: Forge): Tokens {
  return Object.fromEntries(
    OTHER_TYPES.map((typ) => [
      typ === undefined ? "a missing typ" : `typ ${JSON.stringify(typ)}`,
      forge(by, { header: goodHeader(by, { typ }) }),
    ]),
  );
}

/** RFC 7515 §4.1.9: a media type, case-insensitive, with or without `application/`. */
function sameType(by: Forge): Tokens {
  const types = ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+JWT"];
  return Object.fromEntries(types.map((typ) => [`typ ${typ}`, forge(by, { header: goodHeader(by, { typ }) })]));
}

/** Claims of another kind of token, for verifiers that ignore `typ`. */
function otherClaims(by: Forge): Tokens {
  const claims: Record<string, object> = {
    "an ID token": { nonce: "n", auth_time: NOW, acr: "1", amr: ["pwd"], azp: "local" },
    "a nonce": { nonce: "n" },
    "a logout token": { events: { "http://schemas.openid.net/event/backchannel-logout": {} }, sid: "s" },
    "a refresh token by name": { token_type: "refresh_token" },
    "a token bound to a key": { cnf: { jkt: "x" } },
    "a token of a delegate": { act: { sub: "eve" } },
    "a token that may be delegated": { may_act: { sub: "eve" } },
    "an introspection answer": { active: true },
    "a status list reference": { status: { status_list: { idx: 0, uri: "https://example.com" } } },
    "a username": { username: "root" },
    "a client assertion": { client_id: undefined, sub: "local" },
    "a token without a jti": { jti: undefined },
    "a token without a sub": { sub: undefined },
  };
  return Object.fromEntries(
    Object.entries(claims).map(([name, changes]) => [name, forge(by, { payload: goodClaims({ ...changes }) })]),
  );
}

import { expect } from "vitest";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { claimsWith, type Forge, forge, goodHeader, spell } from "../../support/forge.ts";
import { expectRefused, verify } from "../../support/refusal.ts";

/** Rows 33 and 34: objects that harm code which traverses or copies them. */
export function nestingAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(33, by, { tokens: deep(by) });
    suite.accepted(33, by, { tokens: { "lists in a claim down to level 16": forge(by, { payload: nest(15) }) } });
    suite.refused(34, by, { tokens: forbiddenNames(by) });
    suite.accepted(34, by, { tokens: harmlessNames(by) });
    prototypesStayClean(suite, by);
  }
  abyssIsRefusedByLength(suite);
}

/** The object is the first level, so a claim may have 15 nested lists. */
function nest(levels: number): string {
  return claimsWith("x", "[".repeat(levels) + "]".repeat(levels));
}

function deep(by: Forge): Tokens {
  return {
    "lists in a claim down to level 17": forge(by, { payload: nest(16) }),
    "lists in a claim down to level 2,000": forge(by, { payload: nest(2000) }),
    "lists that are never closed": forge(by, { payload: claimsWith("x", "[".repeat(4000)) }),
    "objects in a claim down to level 17": forge(by, {
      payload: claimsWith("x", `${'{"a":'.repeat(15)}{}${"}".repeat(15)}`),
    }),
    "objects in a claim down to level 700": forge(by, {
      payload: claimsWith("x", `${'{"a":'.repeat(700)}1${"}".repeat(700)}`),
    }),
    "lists and objects in turn down to level 400": forge(by, {
      payload: claimsWith("x", `${'[{"a":'.repeat(200)}1${"}]".repeat(200)}`),
    }),
    "lists in the header down to level 2,000": forge(by, {
      header: spell(goodHeader(by), "x", "[".repeat(2000) + "]".repeat(2000)),
    }),
    "lists in the place of the kid": forge(by, {
      header: spell(goodHeader(by), "kid", "[".repeat(2000) + "]".repeat(2000)),
    }),
    "a payload of nothing but lists": forge(by, { payload: "[".repeat(2000) + "]".repeat(2000) }),
  };
}

function abyssIsRefusedByLength({ row, forges }: AttackSuite): void {
  row(33, "verifyAccessToken refuses a million lists inside of each other", async () => {
    const by = forges.es256;
    await expectRefused(forge(by, { payload: nest(1_000_000) }), by);
    await expectRefused(forge(by, { payload: claimsWith("x", "[".repeat(1_000_000)) }), by);
    await expectRefused(forge(by, { header: spell(goodHeader(by), "x", "[".repeat(1_000_000)) }), by);
  });
}

const NAMES = ["__proto__", "constructor", "prototype", "toJSON", "\\u005f_proto__", "__pr\\u006fto__", "to\\u004aSON"];
const VALUES = ["null", "1", "{}", '{"admin":true}', '{"prototype":{"admin":true}}', "[]"];

function forbiddenNames(by: Forge): Tokens {
  const tokens: Tokens = {};
  for (const name of NAMES) {
    for (const value of VALUES) {
      const member = `"${name}":${value}`;
      tokens[`a claim named "${name}" | ${value}`] = forge(by, { payload: claimsWith(name, value) });
      tokens[`a claim that holds a "${name}" | ${value}`] = forge(by, { payload: claimsWith("x", `{${member}}`) });
      tokens[`a claim whose list holds a "${name}" | ${value}`] = forge(by, {
        payload: claimsWith("x", `[1,[{"a":{${member}}}]]`),
      });
      tokens[`a header with a "${name}" | ${value}`] = forge(by, { header: spell(goodHeader(by), name, value) });
    }
  }
  return tokens;
}

/** Members that every object inherits. */
function harmlessNames(by: Forge): Tokens {
  const names = "hasOwnProperty toString valueOf isPrototypeOf __defineGetter__ then length proto".split(" ");
  return Object.fromEntries(
    names.map((name) => [`a claim named ${name}`, forge(by, { payload: claimsWith(name, '{"a":1}') })]),
  );
}

function prototypesStayClean({ row }: AttackSuite, by: Forge): void {
  row(34, `verifyAccessToken gives plain claims and leaves every prototype alone`, async () => {
    const before = Object.getOwnPropertyNames(Object.prototype).sort();
    for (const value of VALUES) await expectRefused(forge(by, { payload: claimsWith("__proto__", value) }), by);
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before);

    const claims = await verify(forge(by, { payload: claimsWith("role", '"reader"') }), by);
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
    expect("admin" in claims).toBe(false);
  });
}

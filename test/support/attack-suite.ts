import { expect, test } from "vitest";
import type { Reason } from "../../src/errors.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type Forge, type Forges, openForges, openStrangers, type PairForge } from "./forge.ts";
import { expectRefused, verify } from "./refusal.ts";
import { openService } from "./service.ts";

/** Tokens by what a test's name calls them. What follows a bar tells apart the tokens that share one test. */
export type Tokens = Record<string, unknown>;

/** Tokens that are to be judged alike, and for whom they have to be, if not for the usual audience. */
type Attack = { tokens: Tokens; audience?: string };

/**
 * What attacks are written against: keys and a service to attack, keys of an attacker, and the means to say which
 * tokens are to be refused. Each belongs to a row of the list of attacks.
 */
export type AttackSuite = {
  forges: Forges;
  strangers: PairForge[];
  service: TokenService;
  /** An attack that is more than one token. */
  row(number: number, name: string, attack: () => unknown): void;
  /** Each token is one that the keys of the forge must refuse, by default as `invalid_token`. */
  refused(number: number, by: Forge, attack: Attack & { reason?: Reason }): void;
  /** Each token is one that the keys of the forge must accept: the attack's harmless neighbour. */
  accepted(number: number, by: Forge, attack: Attack): void;
};

/** A suite whose attacks are tests of verification by itself. */
export async function openAttackSuite() {
  const [forges, strangers] = await Promise.all([openForges(), openStrangers()]);
  const { service, [Symbol.asyncDispose]: close } = await openService();
  const covered = new Set<number>();
  const attemptsByName = new Map<string, (() => unknown)[]>();

  /** A test of its own, or one more attempt in the test that already has this name: the same under another key. */
  function row(number: number, name: string, attack: () => unknown): void {
    covered.add(number);
    const title = `row ${number}: ${name}`;
    const attempts = attemptsByName.get(title);
    if (attempts !== undefined) {
      attempts.push(attack);
      return;
    }
    const first = [attack];
    attemptsByName.set(title, first);
    test(title, async () => {
      await Promise.all(first.map((attempt) => attempt()));
    });
  }

  function refused(...[number, by, { tokens, ...options }]: Parameters<AttackSuite["refused"]>): void {
    for (const [label, token] of Object.entries(tokens)) {
      const [name = "", variety = ""] = label.split(" | ");
      const what = `${by.alg} ${variety}`;
      row(number, `verifyAccessToken refuses ${name}`, () => expectRefused(token, by, { ...options, what }));
    }
  }

  function accepted(...[number, by, { tokens, ...options }]: Parameters<AttackSuite["accepted"]>): void {
    for (const [name, token] of Object.entries(tokens)) {
      row(number, `verifyAccessToken accepts ${name}`, () =>
        expect(verify(token, by, options), by.alg).resolves.toBeDefined(),
      );
    }
  }

  return { forges, strangers, service, row, refused, accepted, close, covered };
}

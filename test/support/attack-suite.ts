import { expect, test } from "vitest";
import type { Reason } from "../../src/errors.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type Forge, type Forges, openForges, openStrangers, type PairForge } from "./forge.ts";
import { expectRefused, verify } from "./refusal.ts";
import { openService } from "./service.ts";

/** Tokens by their names in test titles. The text after a bar distinguishes tokens of one test. */
export type Tokens = Record<string, unknown>;

/** Tokens with one expected verdict, and the expected audience if it is not the usual one. */
type Attack = { tokens: Tokens; audience?: string };

/**
 * The context of attacks: keys and a service, keys of an attacker, and functions that declare which tokens must be refused.
 * Each attack belongs to a row of the list of attacks.
 */
export type AttackSuite = {
  forges: Forges;
  strangers: PairForge[];
  service: TokenService;
  /** An attack that is more than one token. */
  row(number: number, name: string, attack: () => unknown): void;
  /** The keys of the forge must refuse each token, by default as `invalid_token`. */
  refused(number: number, by: Forge, attack: Attack & { reason?: Reason }): void;
  /** The keys of the forge must accept each token: a harmless variant of the attack. */
  accepted(number: number, by: Forge, attack: Attack): void;
};

/** A suite whose attacks test `verifyAccessToken`. */
export async function openAttackSuite() {
  const [forges, strangers] = await Promise.all([openForges(), openStrangers()]);
  const { service, [Symbol.asyncDispose]: close } = await openService();
  const covered = new Set<number>();
  const attemptsByName = new Map<string, (() => unknown)[]>();

  /** A new test, or one more attempt, by another key, in the test of this name. */
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

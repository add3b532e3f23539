import { expect, test } from "vitest";
import type { Reason } from "../../src/errors.ts";
import type { AnyClaims } from "../../src/token/claims.ts";
import type { VerifyOptions } from "../../src/token/verify.ts";
import { type Forge, openForges, openStrangers } from "./forge.ts";
import { expectRefused, verify } from "./refusal.ts";
import { openService } from "./service.ts";

/** Tokens by what a test's name calls them. What follows a bar tells apart the tokens that share one test. */
export type Tokens = Record<string, unknown>;

type Options = Partial<VerifyOptions<AnyClaims>>;

export type AttackSuite = Awaited<ReturnType<typeof openAttackSuite>>;

/** Keys and a service to attack, keys of an attacker, and the means to write tests that each belong to a row of the list of attacks. */
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

  /** Each token is one that the keys of the forge must refuse. */
  function refused(number: number, by: Forge, attack: { tokens: Tokens; reason?: Reason } & Options): void {
    const { tokens, ...options } = attack;
    for (const [label, token] of Object.entries(tokens)) {
      const [name = "", variety = ""] = label.split(" | ");
      const what = `${by.alg} ${variety}`;
      row(number, `verifyAccessToken refuses ${name}`, () => expectRefused(token, by, { ...options, what }));
    }
  }

  /** Each token is one that the keys of the forge must accept: the attack's harmless neighbour. */
  function accepted(number: number, by: Forge, { tokens, ...options }: { tokens: Tokens } & Options): void {
    for (const [name, token] of Object.entries(tokens)) {
      row(number, `verifyAccessToken accepts ${name}`, () =>
        expect(verify(token, by, options), by.alg).resolves.toBeDefined(),
      );
    }
  }

  return { forges, strangers, service, close, covered, row, refused, accepted };
}

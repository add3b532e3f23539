import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { forge, goodClaims, goodHeader, withSignature } from "../../support/forge.ts";
import { heapInUse } from "../../support/heap.ts";
import { type AttackRun, presentAll, surprises } from "./attack-run.ts";
import type { Attempt } from "./attempts.ts";
import { refreshTokenEndpoint, revokeTokenEndpoint, verifierEndpoint, verifyTokenEndpoint } from "./endpoints.ts";

/** How many tokens are refused while memory is watched. More by MINTMARK_TEST_ATTACKS. */
const TOKENS = process.env.MINTMARK_TEST_ATTACKS === "all" ? 100_000 : 600;
const ROUND = 300;

/** Beside what claims must have, so that a token is seen where it is kept. */
const PADDING = "x".repeat(2_000);

/** How many bytes may be left of a token. */
const PER_TOKEN = 32;

/** What comes and goes in a heap of this size, in bytes: 0.6 MB were measured, for 2,000 tokens and for 20,000. */
const NOISE = 1_000_000;

/** Refusals leave nothing behind: whoever sends bad tokens for a year must not fill the memory with them. */
export function memoryAttacks(attackRun: AttackRun): void {
  const { targets } = attackRun;
  const target = targets.byAlg.get("HS256");
  if (target === undefined) throw new Error("there is no service with a secret");
  const { by } = target;

  /** A token that nobody has sent before, by an unknown key, with a wrong signature, or of no claims that could be. */
  function fresh(at: number): Attempt {
    const jti = randomBytes(18).toString("base64url");
    const payload = goodClaims({ jti, padding: PADDING });
    const stranger = forge(by, { payload, header: goodHeader(by, { kid: jti }) });
    const forged = withSignature(forge(by, { payload }), randomBytes(32));
    const absurd = forge(by, { payload: { ...payload, exp: "never" } });
    const token = [stranger, forged, absurd][at % 3];
    return { row: 23, name: "a fresh token", variety: "", alg: "HS256", token, verdict: "invalid_token" };
  }

  async function refuse(count: number): Promise<void> {
    for (let done = 0; done < count; done += ROUND) {
      const attempts = Array.from({ length: ROUND }, (_, at) => fresh(at));
      for (const endpoint of [verifyTokenEndpoint, revokeTokenEndpoint, refreshTokenEndpoint, verifierEndpoint]) {
        expect(surprises(await presentAll(targets, endpoint, attempts))).toEqual([]);
      }
    }
  }

  test(`${TOKENS} tokens that were refused leave nothing in memory`, async () => {
    await refuse(ROUND);
    const before = await heapInUse();
    await refuse(TOKENS);
    const growth = (await heapInUse()) - before;
    expect(growth).toBeLessThan(NOISE + PER_TOKEN * TOKENS);
  }, 600_000);
}

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { forge, goodClaims, goodHeader, withSignature } from "../../support/forge.ts";
import { heapInUse } from "../../support/heap.ts";
import { type AttackRun, faultsIn, presentAll, surprises } from "./attack-run.ts";
import type { Attempt } from "./attempts.ts";
import { refreshTokenEndpoint, revokeTokenEndpoint, verifierEndpoint, verifyTokenEndpoint } from "./endpoints.ts";

/** Refused tokens while memory is measured, and where. */
const isWhole = process.env.MINTMARK_TEST_ATTACKS === "all";
const TOKENS = isWhole ? 100_000 : 600;
const ROUND = 300;
const ENDPOINTS = [
  verifyTokenEndpoint,
  verifierEndpoint,
  ...(isWhole ? [revokeTokenEndpoint, refreshTokenEndpoint] : []),
];

/** Makes a retained token visible. */
const PADDING = "x".repeat(2_000);

/** Bytes that a token may leave. */
const PER_TOKEN = 32;

/** Noise of a heap of this size, in bytes: measured 0.6 MB, after 2,000 tokens and after 20,000. */
const NOISE = 1_000_000;

/** Refused tokens leave nothing in memory: a flood of them must not fill it. */
export function memoryAttacks(attackRun: AttackRun): void {
  const { targets, log } = attackRun;
  const target = targets.byAlg.get("HS256");
  if (target === undefined) throw new Error("there is no service with a secret");
  const { by } = target;

  /** A new token with an unknown key, a wrong signature or impossible claims. */
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
      for (const endpoint of ENDPOINTS) {
        expect(surprises(await presentAll(targets, endpoint, attempts))).toEqual([]);
      }
    }
  }

  test(`${TOKENS} tokens that were refused leave nothing in memory`, async () => {
    await refuse(ROUND);
    const before = await heapInUse();
    const logged = log.lines.length;
    await refuse(TOKENS);
    // The log is kept by this test: its lines have 33 bytes a token.
    expect(faultsIn(log.lines.splice(logged))).toEqual([]);
    const growth = (await heapInUse()) - before;
    expect(growth).toBeLessThan(NOISE + PER_TOKEN * TOKENS);
  }, 600_000);
}

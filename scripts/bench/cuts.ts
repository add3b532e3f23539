import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { startBadNetwork } from "../../test/support/bad-network.ts";
import { inMilliseconds, progress, type Report, startOwnServer } from "./support.ts";

const CUTS = 1000;
const VERIFIERS = 20;
/** In seconds. */
const MAX_STALENESS = 6;

/**
 * A network kills, stalls, truncates and delays the connections of twenty verifiers, a thousand times, while tokens are
 * issued and revoked. Counts revoked tokens that a verifier accepts, and revocations that it lacks after the last cut.
 */
export async function measure(): Promise<Report> {
  const server = await startOwnServer();
  const client = createTokenClient({ url: server.url });
  const network = await startBadNetwork(new URL(server.url));
  const verifiers = Array.from({ length: VERIFIERS }, () =>
    createVerifier({ issuer: server.url, audience: server.url, url: network.url, maxStaleness: MAX_STALENESS }),
  );
  await Promise.all(verifiers.map(({ ready }) => ready));

  const revoked: { token: string; at: number }[] = [];
  let done = false;
  const breaches: string[] = [];
  const accepted: number[] = [];
  let verifications = 0;

  async function revokeAll(): Promise<void> {
    while (!done) {
      const issued = await Promise.all(Array.from({ length: 3 }, () => client.getToken.query({ expiresIn: 86_400 })));
      await Promise.all(verifiers.map((verifier) => verifier.verify(issued[0]?.token).catch(() => {})));
      await Promise.all(
        issued.map(async ({ token }) => {
          await client.revokeToken.mutate({ token });
          revoked.push({ token, at: performance.now() });
        }),
      );
      await sleep(100);
    }
  }

  /** Verifies the latest revoked tokens. Records the age of the revocation of each accepted one. */
  async function watch(verifier: Verifier): Promise<void> {
    while (!done) {
      for (const { token, at } of revoked.slice(-20)) {
        verifications += 1;
        const before = performance.now();
        const ok = await verifier.verify(token).then(
          () => true,
          () => false,
        );
        if (!ok) continue;
        accepted.push(before - at);
        if (before - at > MAX_STALENESS * 1000) breaches.push(`accepted ${Math.round(before - at)} ms after`);
      }
      await sleep(20);
    }
  }

  const work = [revokeAll(), ...verifiers.map(watch)];
  for (let reported = 0; network.cuts() < CUTS; ) {
    network.hurt();
    if (network.cuts() >= reported + 100) {
      reported = network.cuts();
      progress(`${reported} cuts, ${revoked.length} revoked`);
    }
    await sleep(50);
  }
  done = true;
  await Promise.all(work);
  network.heal();
  const healedAt = performance.now();
  const missed = new Set<string>();
  await Promise.all(verifiers.map((verifier) => catchUp(verifier, revoked, missed)));
  const report = {
    "cuts · verifiers · revocations · verifications": `${network.cuts()} · ${VERIFIERS} · ${revoked.length} · ${verifications}`,
    "revoked tokens accepted within the bound, by the age of the revocation": inMilliseconds(accepted),
    [`accepted beyond the bound of ${MAX_STALENESS} s`]: String(breaches.length),
    "revocations that a verifier lacks after healing": String(missed.size),
    "all verifiers live and complete after healing": `${Math.round(performance.now() - healedAt)} ms`,
  };
  for (const verifier of verifiers) verifier.close();
  network[Symbol.dispose]();
  await server.stop();
  return report;
}

/** Waits until a verifier refuses every revoked token. Records tokens that it accepts after a minute. */
async function catchUp(verifier: Verifier, revoked: readonly { token: string }[], missed: Set<string>): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (const { token } of revoked) {
    for (;;) {
      const reason = await verifier.verify(token).then(
        () => "accepted",
        (error) => String(error.reason),
      );
      if (reason === "token_revoked") break;
      if (performance.now() > deadline) {
        missed.add(token);
        break;
      }
      await sleep(20);
    }
    await turn();
  }
}

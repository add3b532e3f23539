import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { startBadNetwork } from "../../test/support/bad-network.ts";
import { inMilliseconds, progress, type Report, startOwnServer } from "./support.ts";

const CUTS = 1000;
const VERIFIERS = 20;
/** In seconds: what verifiers promise here. */
const MAX_STALENESS = 6;

/**
 * A thousand cuts of the connections of twenty verifiers by a network that kills, stalls, truncates and
 * delays, while tokens are issued and revoked: what each verifier says of each token, all the time.
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
  let asked = 0;

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

  /** Asks of tokens that were revoked, the latest above all, and notes how long ago any accepted one was. */
  async function watch(verifier: Verifier): Promise<void> {
    while (!done) {
      for (const { token, at } of revoked.slice(-20)) {
        asked += 1;
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
  for (let told = 0; network.cuts() < CUTS; ) {
    network.hurt();
    if (network.cuts() >= told + 100) {
      told = network.cuts();
      progress(`${told} cuts, ${revoked.length} revoked`);
    }
    await sleep(50);
  }
  done = true;
  await Promise.all(work);
  network.heal();
  const healedAt = performance.now();
  const missed = new Set<string>();
  await Promise.all(verifiers.map((verifier) => settle(verifier, revoked, missed)));
  const report = {
    "cuts · verifiers · revocations · answers asked for": `${network.cuts()} · ${VERIFIERS} · ${revoked.length} · ${asked}`,
    "answers that accepted a revoked token within the bound, and its age": inMilliseconds(accepted),
    [`accepted beyond the bound of ${MAX_STALENESS} s`]: String(breaches.length),
    "revocations that some verifier does not know after healing": String(missed.size),
    "all verifiers live and whole after healing": `${Math.round(performance.now() - healedAt)} ms`,
  };
  for (const verifier of verifiers) verifier.close();
  network[Symbol.dispose]();
  await server.stop();
  return report;
}

/** Waits until a verifier is live and knows all that was revoked; notes what it does not know in time. */
async function settle(verifier: Verifier, revoked: readonly { token: string }[], missed: Set<string>): Promise<void> {
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

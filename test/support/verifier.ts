import type { AnyClaims } from "../../src/token/claims.ts";
import { createVerifier, type VerifierOptions, type VerifierState } from "../../src/verifier/verifier.ts";
import { type Connection, type Script, snapshot, startFeed } from "./feed.ts";
import type { PairForge } from "./forge.ts";
import { ISSUER, NOW } from "./service.ts";

/** Sends a snapshot with these keys, then heartbeats. */
export function healthy(...keys: PairForge[]): Script {
  return (connection: Connection) => {
    connection.event("connected", {});
    connection.send(snapshot(keys));
    connection.beat();
  };
}

/** A verifier that follows a scripted feed, with the clock stopped at `NOW`. Both are gone at the end of the block. */
export async function follow(scripts: Script[], options: Partial<VerifierOptions<AnyClaims>> = {}) {
  const feed = await startFeed(...scripts);
  const clock = { now: NOW };
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    url: feed.url,
    clock: () => clock.now,
    ...options,
  });
  const states: VerifierState[] = [];
  verifier.onStateChange((state) => states.push(state));
  return {
    feed,
    clock,
    verifier,
    /** Every state that it has changed to. */
    states,
    async [Symbol.asyncDispose]() {
      verifier.close();
      await feed[Symbol.asyncDispose]();
    },
  };
}

/** `accepted`, or the reason of a refusal. */
export function verdictOf(verification: Promise<unknown>): Promise<string> {
  return verification.then(
    () => "accepted",
    (error: { reason?: string }) => error.reason ?? String(error),
  );
}

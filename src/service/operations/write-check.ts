import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import type { Store } from "../../store/store.ts";
import type { Milliseconds } from "../../time.ts";
import type { LastWrite } from "./instrument-store.ts";

/** How long a successful write counts as proof. */
const PROOF_MS: Milliseconds = 2000;

/** Shortest time between two probes: readiness requests are unauthenticated. */
const PROBE_INTERVAL_MS: Milliseconds = 250;

/** Size of a probe: about that of a token. */
export const PROBE_BYTES = 100;

/** Size of a probe after a failed write: more than any token, so that a nearly full disk does not pass. */
const PROBE_BYTES_AFTER_FAILURE = 100_000;

export type WriteCheckOptions = { store: Pick<Store, "checkWritable">; lastWrite: () => LastWrite };

/**
 * Checks whether the store is writable: by the last write if it succeeded recently, else by a probe. Rejects with the error
 * of the probe; rejects permanently once the database file was found damaged.
 */
export function createWriteCheck({ store, lastWrite }: WriteCheckOptions): () => Promise<void> {
  const probe = coalesce(
    () => store.checkWritable(lastWrite().hasFailed ? PROBE_BYTES_AFTER_FAILURE : PROBE_BYTES),
    PROBE_INTERVAL_MS,
  );
  return async () => {
    const { hasFailed, at, damage } = lastWrite();
    if (damage !== undefined) throw damage;
    if (hasFailed || performance.now() - at > PROOF_MS) await withTimeout(probe());
  };
}

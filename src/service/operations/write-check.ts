import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import type { Store } from "../../store/store.ts";
import type { LastWrite } from "./instrument-store.ts";

/** For how long a write that succeeded proves that the next one will, in milliseconds. */
const PROOF = 2000;

/** Shortest time between two probes, in milliseconds: anybody may ask for them. */
const PROBE_INTERVAL = 250;

/** What is written to see whether that is possible: about as much as for a token. */
export const PROBE_BYTES = 100;

/** The same after a write has failed: more than any token takes, so that a disk without room is not found to have some. */
const PROBE_BYTES_AFTER_FAILURE = 100_000;

export type WriteCheckOptions = { store: Pick<Store, "checkWritable">; lastWrite: () => LastWrite };

/**
 * Makes the check whether the store can be written: by the outcome of the last write, where that is recent and a success,
 * else by a write of its own. Resolves, or rejects as the write did,
 * and for ever where the database file was found damaged.
 */
export function createWriteCheck({ store, lastWrite }: WriteCheckOptions): () => Promise<void> {
  const probe = coalesce(
    () => store.checkWritable(lastWrite().hasFailed ? PROBE_BYTES_AFTER_FAILURE : PROBE_BYTES),
    PROBE_INTERVAL,
  );
  return async () => {
    const { hasFailed, at, damage } = lastWrite();
    if (damage !== undefined) throw damage;
    if (hasFailed || performance.now() - at > PROOF) await withTimeout(probe());
  };
}

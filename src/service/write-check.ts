import type { Store } from "../store/store.ts";
import { inTurn } from "./in-turn.ts";
import { patiently } from "./patience.ts";
import type { LastWrite } from "./store-observer.ts";

/** For how long a write that succeeded proves that the next one will, in milliseconds. */
const PROOF = 2000;

/** Shortest time between two probes, in milliseconds: anybody may ask for them. */
const PROBE_INTERVAL = 250;

export type WriteCheckOptions = { store: Pick<Store, "checkWritable">; lastWrite: () => LastWrite };

/**
 * Makes the check whether the store can be written: by the outcome of the last write, where that is recent and a success,
 * else by a write of its own. Resolves, or rejects as the write did.
 */
export function createWriteCheck({ store, lastWrite }: WriteCheckOptions): () => Promise<void> {
  const probe = inTurn(() => store.checkWritable(), PROBE_INTERVAL);
  return async () => {
    const { hasFailed, at } = lastWrite();
    if (hasFailed || performance.now() - at > PROOF) await patiently(probe());
  };
}

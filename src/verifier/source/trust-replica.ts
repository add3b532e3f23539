import type { Clock, Seconds } from "../../time.ts";
import type { VerificationKey } from "../../token/signature.ts";
import { createTrustState, type TrustState } from "../../trust/trust-state.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import { findKey, importKeySet, type KeySet } from "./key-set.ts";

/** How long a key counts that is published, but of which the feed has not told yet. It takes milliseconds to do so. */
const UNANNOUNCED: Seconds = 30;

/**
 * What became of an update. part: more has to come before it counts. added: it was added to what was
 * known. replaced: it completed a snapshot, which now stands in place of what was known. unfit: it does
 * not continue what is known, so that a snapshot is needed.
 */
type Applied = "part" | "added" | "replaced" | "unfit";

/** A copy of the trust state of the service, with the keys at hand. */
export type TrustReplica = {
  /** Knows of nothing before the first snapshot is complete. */
  trust(): TrustState;
  lookup(kid: string): VerificationKey | undefined;
  /** Begins a connection, of which the updates have to be taken one after the other. */
  begin(): (update: TrustUpdate, isStale: boolean) => Promise<Applied>;
  /** How often the feed has told of keys. */
  readonly keysVersion: number;
  /** Takes keys that are published, unless the feed has told of keys since that version. */
  apply(keys: KeySet, keysVersion: number): void;
};

export function createTrustReplica(clock: Clock): TrustReplica {
  let state = createTrustState();
  let keys: KeySet = new Map();
  let unannounced: KeySet = new Map();
  let keysVersion = 0;
  /** Of these keys the feed alone has the say: one that it has dropped must not come back from some cache. */
  const announced = new Set<string>();

  async function takeKeys(): Promise<void> {
    keys = await importKeySet(state.keys);
    for (const kid of keys.keys()) announced.add(kid);
    unannounced = new Map();
    keysVersion += 1;
  }

  /** A server that lags behind the one before it has not heard yet of what is known here. */
  const isBehind = (snapshot: TrustState) => snapshot.epoch === state.epoch && snapshot.sequence < state.sequence;

  return {
    trust: () => state,
    lookup: (kid) => findKey(keys, kid, clock()) ?? findKey(unannounced, kid, clock()),
    begin() {
      /** Built aside: half a snapshot would forget half of what is revoked. */
      let snapshot: TrustState | undefined;
      return async (update, isStale) => {
        if (update.reset) snapshot = createTrustState();
        const target = snapshot ?? state;
        const continues = update.epoch === target.epoch && update.sequence >= target.sequence;
        if (!update.reset && !continues) return "unfit";
        target.apply(update);
        if (snapshot === undefined && update.keys !== undefined) await takeKeys();
        if (update.more) return "part";
        if (snapshot === undefined) return "added";
        if (isBehind(snapshot) && !isStale) return "unfit";
        [state, snapshot] = [snapshot, undefined];
        await takeKeys();
        return "replaced";
      };
    },
    get keysVersion() {
      return keysVersion;
    },
    apply(published, version) {
      if (version !== keysVersion) return;
      const until = clock() + UNANNOUNCED;
      const unheard = [...published].filter(([kid]) => !announced.has(kid));
      unannounced = new Map(unheard.map(([kid, key]) => [kid, { ...key, until }]));
    },
  };
}

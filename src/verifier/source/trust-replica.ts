import type { Clock, Seconds } from "../../time.ts";
import type { VerificationKey } from "../../token/signature.ts";
import { createTrustState, type TrustState } from "../../trust/trust-state.ts";
import type { TrustUpdate } from "../../trust/trust-update.ts";
import { findKey, importKeySet, type KeySet } from "./key-set.ts";

/** How long a published key is trusted that the feed has not sent. The feed sends it within milliseconds. */
const UNCONFIRMED: Seconds = 30;

/**
 * The outcome of an update. part: takes effect with a later update. added: extends the state. replaced: completes a
 * snapshot, which replaces the state. unfit: does not continue the state, so that a snapshot is needed.
 */
type Applied = "part" | "added" | "replaced" | "unfit";

/** A replica of the trust state of the service, with its keys imported. */
export type TrustReplica = {
  /** Empty before the first snapshot is complete. */
  trust(): TrustState;
  lookup(kid: string): VerificationKey | undefined;
  /** The keys that the feed has sent. */
  keys(): KeySet;
  /** Begins a connection. The caller applies its updates one after the other. */
  begin(): (update: TrustUpdate, isStale: boolean) => Promise<Applied>;
  /** How often the feed has sent keys. */
  readonly keysVersion: number;
  /** Adds keys of the JWK Set, unless the feed has sent keys since that version. */
  addPublished(keys: KeySet, keysVersion: number): void;
};

export function createTrustReplica(clock: Clock): TrustReplica {
  let state = createTrustState();
  let keys: KeySet = new Map();
  let unconfirmed: KeySet = new Map();
  let keysVersion = 0;
  /** Only the feed decides on these keys: a cached JWK Set must not bring a removed one back. */
  const confirmed = new Set<string>();

  async function importKeys(): Promise<void> {
    keys = await importKeySet(state.keys);
    for (const kid of keys.keys()) confirmed.add(kid);
    unconfirmed = new Map();
    keysVersion += 1;
  }

  /** Whether a snapshot is older than the state: its server lags behind the previous one. */
  const isBehind = (snapshot: TrustState) => snapshot.epoch === state.epoch && snapshot.sequence < state.sequence;

  return {
    trust: () => state,
    keys: () => keys,
    lookup: (kid) => findKey(keys, kid, clock()) ?? findKey(unconfirmed, kid, clock()),
    begin() {
      /** Separate from the state: half a snapshot lacks half of the revocations. */
      let snapshot: TrustState | undefined;
      return async (update, isStale) => {
        if (update.reset) snapshot = createTrustState();
        const target = snapshot ?? state;
        const continues = update.epoch === target.epoch && update.sequence >= target.sequence;
        if (!update.reset && !continues) return "unfit";
        target.apply(update);
        if (snapshot === undefined && update.keys !== undefined) await importKeys();
        if (update.more) return "part";
        if (snapshot === undefined) return "added";
        if (isBehind(snapshot) && !isStale) return "unfit";
        [state, snapshot] = [snapshot, undefined];
        await importKeys();
        return "replaced";
      };
    },
    get keysVersion() {
      return keysVersion;
    },
    addPublished(published, version) {
      if (version !== keysVersion) return;
      const until = clock() + UNCONFIRMED;
      const added = [...published].filter(([kid]) => !confirmed.has(kid));
      unconfirmed = new Map(added.map(([kid, key]) => [kid, { ...key, until }]));
    },
  };
}

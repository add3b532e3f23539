import { MintmarkError } from "../../errors.ts";
import { generateKeyPair, type StoredKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import { dueKey, type KeyPolicy, type KeyState, PUBLISH_AHEAD } from "../../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { KeyRequest } from "../../keys/succession.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, systemCaller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import type { Settings } from "../settings.ts";
import type { LoadedKeys } from "./loaded-keys.ts";

/** A key as anybody may see it who manages keys. */
export type KeyView = {
  kid: string;
  alg: string;
  state: KeyState;
  createdAt: Seconds;
  activatesAt: Seconds;
  /** When it stops to sign, and when it stops to be published; absent while no key is there to follow it. */
  retiresAt?: Seconds;
  removedAt?: Seconds;
  killedAt?: Seconds;
};

/** With an algorithm, this and all later keys are of that one. */
type KeyRotation = { immediate: boolean; alg?: KeyPairAlgorithm | undefined };

export type KeyManagement = {
  list(caller: Caller): Promise<KeyView[]>;
  /** Makes the next key now. It signs when it has been public for long enough; with `immediate`, at once. */
  rotate(caller: Caller, options: KeyRotation): Promise<KeyView[]>;
  /** Kills a key and all its tokens. If it was the one that signs, another does from the same moment on. */
  revoke(caller: Caller, kid: string): Promise<{ sequence: number }>;
  /** Makes the first key there is, or the next one when it is time to. */
  rotateIfDue(): Promise<void>;
};

export type KeyManagementOptions = {
  store: Store;
  keys: LoadedKeys;
  trust: StoreFollower;
  authorize: Authorize;
  audit: AuditLog;
  clock: Clock;
  policy: () => KeyPolicy;
  settings: Pick<Settings, "alg">;
  kek?: KeyEncryptionKey | undefined;
  counts: Counters;
};

/**
 * The use cases of keys. A key has one follower at most, and the store sees to it: of two servers
 * that rotate at once, one makes the key and the other finds it there.
 */
export function createKeyManagement(options: KeyManagementOptions): KeyManagement {
  const { store, keys, trust, authorize, audit, clock, policy, settings, kek, counts } = options;
  const permission = "rotate_keys";

  const make = (wanted: KeyRequest, alg = settings.alg()) =>
    generateKeyPair({ ...wanted, alg, createdAt: clock(), kek });
  const changeOf = (alg = settings.alg()) =>
    alg === settings.alg() ? undefined : { target: `alg: ${settings.alg()} -> ${alg}` };
  async function rotateIfDue(): Promise<void> {
    const due = dueKey(keys.stored(), { ...policy(), alg: settings.alg() }, clock());
    if (due === undefined) return;
    const key = await make(due);
    const { clientId } = systemCaller;
    await store.addKey(key, audit.record({ clientId, action: "keys.rotate", outcome: "allowed", kid: key.kid }));
    await trust.catchUp();
  }

  return {
    rotateIfDue,

    list: (caller) => authorize(caller, { action: "keys.list", permission }, async () => view(keys)),

    rotate: (caller, { immediate, alg }) =>
      authorize(caller, { action: "keys.rotate", permission, target: changeOf(alg) }, async (record) => {
        if (!keys.arePairs) throw new MintmarkError("no_key_pairs");
        // A clock that was ahead may have left a key that signs before its turn, which none could be placed behind.
        await rotateIfDue();
        // The key that signs as far as this server knows: if another has rotated meanwhile, this adds none.
        const { signing } = keys.current();
        if (signing === undefined) throw new MintmarkError("kek_changed");
        const wanted = { follows: signing.kid, activatesAt: clock() + (immediate ? 0 : PUBLISH_AHEAD) };
        const key = await make(wanted, alg);
        await store.addKey(key, { ...record, kid: key.kid }, { setsAlg: alg !== undefined });
        await trust.catchUp();
        return view(keys);
      }),

    revoke: (caller, kid) =>
      authorize(caller, { action: "keys.kill", permission, target: { kid } }, async (record) => {
        await keys.reload();
        if (!keys.stored().some((key) => key.kid === kid)) throw new MintmarkError("unknown_key");
        const now = clock();
        // Made in any case: only the store can tell, at the moment of the kill, whether one is needed.
        const replacement = await make({ follows: kid, activatesAt: now });
        if ((await store.revokeKey(kid, { now, replacement }, record)) === "killed") counts.revoked.key += 1;
        await trust.catchUp();
        return { sequence: await trust.latest() };
      }),
  };
}

function view(keys: LoadedKeys): KeyView[] {
  return keys.current().timelines.map(({ key, ...life }) => ({ ...publicPart(key), ...life }));
}

function publicPart({ kid, alg, createdAt, activatesAt, killedAt }: StoredKey) {
  return { kid, alg, createdAt, activatesAt, ...(killedAt !== undefined && { killedAt }) };
}

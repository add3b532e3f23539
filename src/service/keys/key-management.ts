import { MintmarkError } from "../../errors.ts";
import { generateKeyPair, rewrapKey, type StoredKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import { dueKey, type KeyPolicy, type KeyState, PUBLISH_AHEAD } from "../../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { KeyRequest } from "../../keys/succession.ts";
import type { Store } from "../../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../../time.ts";
import { type AuditLog, createAuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, localCaller, systemCaller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import type { Settings } from "../settings.ts";
import type { LoadedKeys } from "./loaded-keys.ts";

/** A key without its private half. */
export type KeyView = {
  kid: string;
  alg: string;
  state: KeyState;
  createdAt: Seconds;
  activatesAt: Seconds;
  /** When it stops signing, and when it is no longer published. Absent while it has no successor. */
  retiresAt?: Seconds;
  removedAt?: Seconds;
  killedAt?: Seconds;
};

/** `alg` sets the algorithm of this and all later keys. */
type KeyRotation = { immediate: boolean; alg?: KeyPairAlgorithm | undefined };

export type KeyManagement = {
  list(caller: Caller): Promise<KeyView[]>;
  /** Generates the next key now. It signs after its time of publication; with `immediate`, at once. */
  rotate(caller: Caller, options: KeyRotation): Promise<KeyView[]>;
  /** Revokes a key and all tokens that it signed. Another key signs from the same moment on. Throws `unknown_key`. */
  revoke(caller: Caller, kid: string): Promise<{ sequence: number }>;
  /** Generates the first key, or the next one when it is due. */
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
 * The use cases of keys. The store allows one successor for each key: of two servers that rotate at once, one adds a key and
 * the other finds it.
 */
export function createKeyManagement(options: KeyManagementOptions): KeyManagement {
  const { store, keys, trust, authorize, audit, clock, policy, settings, kek, counts } = options;
  const permission = "rotate_keys";

  const generate = (request: KeyRequest, alg = settings.alg()) =>
    generateKeyPair({ ...request, alg, createdAt: clock(), kek });
  const changeOf = (alg = settings.alg()) =>
    alg === settings.alg() ? undefined : { target: `alg: ${settings.alg()} -> ${alg}` };
  async function rotateIfDue(): Promise<void> {
    const due = dueKey(keys.stored(), { ...policy(), alg: settings.alg() }, clock());
    if (due === undefined) return;
    const key = await generate(due);
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
        // A clock that was ahead may have left a key that is active too early; a new key could not be placed after it.
        await rotateIfDue();
        // The signing key known here: if another server has rotated since, the store adds no key.
        const { signing } = keys.current();
        if (signing === undefined) throw new MintmarkError("kek_changed");
        const request = { follows: signing.kid, activatesAt: clock() + (immediate ? 0 : PUBLISH_AHEAD) };
        const key = await generate(request, alg);
        await store.addKey(key, { ...record, kid: key.kid }, { setsAlg: alg !== undefined });
        await trust.catchUp();
        return view(keys);
      }),

    revoke: (caller, kid) =>
      authorize(caller, { action: "keys.kill", permission, target: { kid } }, async (record) => {
        await keys.reload();
        if (!keys.stored().some((key) => key.kid === kid)) throw new MintmarkError("unknown_key");
        const now = clock();
        // Only the store can decide, under its lock, whether a replacement is needed.
        const replacement = await generate({ follows: kid, activatesAt: now });
        if ((await store.revokeKey(kid, { now, replacement }, record)) === "revoked") counts.revoked.key += 1;
        await trust.catchUp();
        return { sequence: trust.state().sequence };
      }),
  };
}

function view(keys: LoadedKeys): KeyView[] {
  return keys.current().timelines.map(({ key, ...life }) => ({ ...publicPart(key), ...life }));
}

function publicPart({ kid, alg, createdAt, activatesAt, killedAt }: StoredKey) {
  return { kid, alg, createdAt, activatesAt, ...(killedAt !== undefined && { killedAt }) };
}

/** Re-encrypts all private keys, or none. Without `from`, they must be unencrypted. Throws `conflict` after a concurrent change. */
export async function rewrapKeys(
  store: Store,
  { from, to }: { from: KeyEncryptionKey | undefined; to: KeyEncryptionKey },
  clock: Clock = systemClock,
): Promise<number> {
  const keys = (await store.listKeys()).filter(({ killedAt }) => killedAt === undefined);
  const rewrapped = await Promise.all(keys.map((key) => rewrapKey(key, from, to)));
  const entry = { clientId: localCaller.clientId, action: "keys.rewrap", outcome: "allowed" } as const;
  const outcome = await store.rewrapKeys(rewrapped, createAuditLog(store, clock).record(entry));
  if (outcome === "changed") throw new MintmarkError("conflict");
  return keys.length;
}

import { MintmarkError } from "../../errors.ts";
import type { StoredKey } from "../../keys/key-pair.ts";
import { kekFingerprintOf } from "../../keys/key-wrapping.ts";
import { type Succession, scheduleAfterRevocation, scheduleKey } from "../../keys/succession.ts";
import type { Seconds } from "../../time.ts";
import type { ChangeRecord } from "../audit.ts";
import type { Store } from "../store.ts";
import { type Changed, commit, type MemoryDatabase } from "./database.ts";

type KeyVerbs = Pick<Store, "listKeys" | "addKey" | "revokeKey" | "rewrapKeys">;

export function createKeyVerbs(database: MemoryDatabase): KeyVerbs {
  const commitKeys = <Outcome>(
    record: ChangeRecord,
    apply: (keys: readonly StoredKey[], sequence: number) => Changed<Outcome> & { keys?: StoredKey[] },
  ) =>
    commit(database, record, (sequence) => {
      const { keys, ...changed } = apply(database.keys, sequence);
      database.position.keysSequence = sequence;
      if (keys !== undefined) database.keys = keys;
      return changed;
    });

  return {
    listKeys: async () => structuredClone(database.keys),

    addKey: async (key, record, { setsAlg = false } = {}) =>
      commitKeys(record, (stored) => {
        const keys = setsAlg ? supersede(stored, key, record.at) : stored;
        const changed = applySuccession(scheduleKey(keys, key), { keys, key, record });
        if (setsAlg) database.position.settings.alg = key.alg;
        return changed;
      }),

    revokeKey: async (kid, { now, replacement }, record) =>
      commitKeys(record, (stored) => {
        if (!stored.some((key) => key.kid === kid && key.killedAt === undefined)) return { outcome: "unchanged" };
        const remaining = stored.map((key) => (key.kid === kid ? revoked(key, now) : key));
        const succession = scheduleAfterRevocation(remaining, now);
        const { keys = remaining } = applySuccession(succession, { keys: remaining, key: replacement, record });
        return { outcome: "revoked", record, keys };
      }),

    rewrapKeys: async (wrapped, record) =>
      commitKeys(record, (stored) => {
        const privateJwks = new Map(wrapped.map(({ kid, privateJwk }) => [kid, privateJwk]));
        const isLive = ({ killedAt }: StoredKey) => killedAt === undefined;
        if (stored.some((key) => isLive(key) && !privateJwks.has(key.kid))) return { outcome: "changed" };
        const keys = stored.map((key) =>
          isLive(key) ? { ...key, privateJwk: privateJwks.get(key.kid) ?? key.privateJwk } : key,
        );
        return { outcome: "rewrapped", record, keys };
      }),
  };
}

/** A pending key vacates its place after the key that it follows. */
function revoked(key: StoredKey, now: Seconds): StoredKey {
  const follows = key.activatesAt > now ? `killed ${key.kid}` : key.follows;
  return { ...key, killedAt: now, privateJwk: "", follows };
}

/** Revokes pending keys of another algorithm after the key that a new one follows. */
function supersede(keys: readonly StoredKey[], next: StoredKey, now: Seconds): readonly StoredKey[] {
  const place = keys.findIndex(({ kid }) => kid === next.follows);
  return keys.map((key, at) => {
    const isPending = at > place && key.killedAt === undefined && key.activatesAt > now;
    return isPending && key.alg !== next.alg ? revoked(key, now) : key;
  });
}

type NewKey = { keys: readonly StoredKey[]; key: StoredKey; record: ChangeRecord };

/** Throws `kek_changed` for a key that is encrypted with another key-encryption key than the stored ones. */
function applySuccession(succession: Succession | undefined, { keys, key, record }: NewKey) {
  if (succession === undefined) return { outcome: "present" as const, keys: [...keys] };
  if ("activateEarlier" in succession) {
    const { activateEarlier: kids, activatesAt } = succession;
    const earlier = keys.map((each) => (kids.includes(each.kid) ? { ...each, activatesAt } : each));
    return { outcome: "activated" as const, record: { ...record, kid: kids.at(-1) ?? key.kid }, keys: earlier };
  }
  const fingerprint = kekFingerprintOf(key.privateJwk);
  const isOther = ({ killedAt, privateJwk }: StoredKey) =>
    killedAt === undefined && kekFingerprintOf(privateJwk) !== fingerprint;
  if (keys.some(isOther)) throw new MintmarkError("kek_changed");
  if (keys.some(({ kid }) => kid === key.kid))
    throw new MintmarkError("internal_error", { cause: new Error("A key has this kid") });
  return { outcome: "added" as const, record, keys: [...keys, structuredClone({ ...key, ...succession.add })] };
}

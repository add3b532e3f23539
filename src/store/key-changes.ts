import { MintmarkError } from "../errors.ts";
import type { StoredKey } from "../keys/key-pair.ts";
import { kekFingerprintOf } from "../keys/key-wrapping.ts";
import { type Succession, scheduleAfterRevocation, scheduleKey } from "../keys/succession.ts";
import type { Seconds } from "../time.ts";
import type { AuditRecord, Changed } from "./audit.ts";

/** All keys after a change. Those that it leaves as they were are the same objects. */
export type KeyChange<Outcome> = Changed<Outcome> & { keys: readonly StoredKey[] };

type NewKey = { key: StoredKey; record: AuditRecord };

/** See `addKey` of the store. */
export function withKey(
  stored: readonly StoredKey[],
  { key, record, setsAlg }: NewKey & { setsAlg: boolean },
): KeyChange<"added" | "activated" | "present"> {
  const keys = setsAlg ? supersede(stored, key, record.at) : stored;
  return applySuccession(scheduleKey(keys, key), keys, { key, record });
}

/** See `revokeKey` of the store. */
export function withoutKey(
  stored: readonly StoredKey[],
  { kid, now, ...replacement }: NewKey & { kid: string; now: Seconds },
): KeyChange<"revoked" | "unchanged"> {
  const keys = stored.map((key) => (key.kid === kid && isLive(key) ? revoked(key, now) : key));
  if (!keys.some((key, at) => key !== stored[at])) return { outcome: "unchanged", keys };
  const succession = applySuccession(scheduleAfterRevocation(keys, now), keys, replacement);
  return { outcome: "revoked", record: replacement.record, keys: succession.keys };
}

/** See `rewrapKeys` of the store. */
export function withPrivateJwks(
  stored: readonly StoredKey[],
  { wrapped, record }: { wrapped: readonly Pick<StoredKey, "kid" | "privateJwk">[]; record: AuditRecord },
): KeyChange<"rewrapped" | "changed"> {
  const privateJwks = new Map(wrapped.map(({ kid, privateJwk }) => [kid, privateJwk]));
  if (stored.some((key) => isLive(key) && !privateJwks.has(key.kid))) return { outcome: "changed", keys: stored };
  const keys = stored.map((key) =>
    isLive(key) ? { ...key, privateJwk: privateJwks.get(key.kid) ?? key.privateJwk } : key,
  );
  return { outcome: "rewrapped", record, keys };
}

function isLive({ killedAt }: StoredKey): boolean {
  return killedAt === undefined;
}

/** A pending key vacates its place after the key that it follows. */
function revoked(key: StoredKey, now: Seconds): StoredKey {
  const follows = key.activatesAt > now ? `killed ${key.kid}` : key.follows;
  return { ...key, killedAt: now, privateJwk: "", follows };
}

/** Revokes pending keys of another algorithm after the key that a new one follows. */
function supersede(keys: readonly StoredKey[], next: StoredKey, now: Seconds): StoredKey[] {
  const place = keys.findIndex(({ kid }) => kid === next.follows);
  const isSuperseded = (key: StoredKey, at: number) =>
    at > place && isLive(key) && key.alg !== next.alg && key.activatesAt > now;
  return keys.map((key, at) => (isSuperseded(key, at) ? revoked(key, now) : key));
}

function applySuccession(
  succession: Succession | undefined,
  keys: readonly StoredKey[],
  { key, record }: NewKey,
): KeyChange<"added" | "activated" | "present"> {
  if (succession === undefined) return { outcome: "present", keys };
  if ("activateEarlier" in succession) {
    const { activateEarlier: kids, activatesAt } = succession;
    const earlier = keys.map((each) => (kids.includes(each.kid) ? { ...each, activatesAt } : each));
    // Only the last of them is unrevoked.
    return { outcome: "activated", record: { ...record, kid: kids.at(-1) ?? key.kid }, keys: earlier };
  }
  // A server that still has the previous key-encryption key must not store keys that no other server can open.
  const fingerprint = kekFingerprintOf(key.privateJwk);
  if (keys.some((each) => isLive(each) && kekFingerprintOf(each.privateJwk) !== fingerprint))
    throw new MintmarkError("kek_changed");
  if (keys.some(({ kid }) => kid === key.kid))
    throw new MintmarkError("internal_error", { cause: new Error("A key has this kid") });
  return { outcome: "added", record, keys: [...keys, { ...key, ...succession.add }] };
}

import type { Kysely } from "kysely";
import { MintmarkError } from "../../errors.ts";
import type { StoredKey } from "../../keys/key-pair.ts";
import { kekFingerprintOf } from "../../keys/key-wrapping.ts";
import { type Succession, scheduleAfterRevocation, scheduleKey } from "../../keys/succession.ts";
import type { Seconds } from "../../time.ts";
import type { AuditRecord } from "../audit.ts";
import type { Store } from "../store.ts";
import type { Changed, Commit, Tx } from "./commit.ts";
import { fromKeyRow, toKeyRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";

type KeyQueries = Pick<Store, "listKeys" | "addKey" | "revokeKey" | "rewrapKeys">;

export function createKeyQueries(db: Kysely<Schema>, commit: Commit): KeyQueries {
  /** A change after which other servers must reload the keys. */
  const commitKeys: Commit = (record, apply) =>
    commit(record, async (transaction, state) => {
      await transaction.updateTable("state").set({ keys_revision: state.sequence }).execute();
      return apply(transaction, state);
    });

  return {
    listKeys: () => readKeys(db),

    addKey: (key, record, { setsAlg = false } = {}) =>
      commitKeys(record, async (transaction, { sequence }) => {
        const stored = await readKeys(transaction);
        const keys = setsAlg ? await changeAlg(transaction, stored, { key, now: record.at }) : stored;
        return applySuccession(transaction, scheduleKey(keys, key), { keys, key, sequence, record });
      }),

    revokeKey: (kid, { now, replacement }, record) =>
      commitKeys(record, async (transaction, { sequence }) => {
        const keys = await readKeys(transaction);
        const key = keys.find((key) => key.kid === kid && key.killedAt === undefined);
        if (key === undefined) return { outcome: "unchanged" };
        const revoked = await revoke(transaction, key, now);
        const remaining = keys.map((other) => (other === key ? revoked : other));
        await applySuccession(transaction, scheduleAfterRevocation(remaining, now), {
          keys: remaining,
          key: replacement,
          sequence,
          record,
        });
        return { outcome: "revoked", record };
      }),

    rewrapKeys: (keys, record) =>
      commitKeys(record, async (transaction) => {
        const living = (await readKeys(transaction)).filter(({ killedAt }) => killedAt === undefined);
        const wrapped = new Map(keys.map(({ kid, privateJwk }) => [kid, privateJwk]));
        if (living.some(({ kid }) => !wrapped.has(kid))) return { outcome: "changed" };
        for (const { kid } of living) {
          const change = transaction.updateTable("keys").set({ private_jwk: wrapped.get(kid) });
          await change.where("kid", "=", kid).execute();
        }
        return { outcome: "rewrapped", record };
      }),
  };
}

async function readKeys(db: Kysely<Schema>): Promise<StoredKey[]> {
  const rows = await db.selectFrom("keys").selectAll().orderBy("sequence").execute();
  return rows.map(fromKeyRow);
}

async function revoke(transaction: Tx, key: StoredKey, now: Seconds): Promise<StoredKey> {
  const { kid } = key;
  // A pending key vacates its place after the key that it follows.
  const follows = key.activatesAt > now ? { follows: `killed ${kid}` } : {};
  const revoked = { killed_at: now, private_jwk: "", ...follows };
  await transaction.updateTable("keys").set(revoked).where("kid", "=", kid).execute();
  return { ...key, killedAt: now };
}

/** Stores the algorithm of a key for all later keys. Revokes pending keys of another algorithm after the key that it follows. */
async function changeAlg(
  transaction: Tx,
  keys: readonly StoredKey[],
  { key, now }: { key: StoredKey; now: Seconds },
): Promise<StoredKey[]> {
  await transaction.updateTable("state").set({ alg: key.alg }).execute();
  const place = keys.findIndex(({ kid }) => kid === key.follows);
  const isSuperseded = (other: StoredKey, at: Seconds) =>
    at > place && other.killedAt === undefined && other.alg !== key.alg && other.activatesAt > now;
  return Promise.all(keys.map((other, at) => (isSuperseded(other, at) ? revoke(transaction, other, now) : other)));
}

type NewKey = { keys: readonly StoredKey[]; key: StoredKey; sequence: number; record: AuditRecord };

/** Throws `kek_changed` for a key that is encrypted with another key-encryption key than the stored ones. */
async function applySuccession(
  transaction: Tx,
  succession: Succession | undefined,
  { keys, key, sequence, record }: NewKey,
): Promise<Changed<"added" | "activated" | "present">> {
  if (succession === undefined) return { outcome: "present" };
  if ("activateEarlier" in succession) {
    const { activateEarlier: kids, activatesAt } = succession;
    await transaction.updateTable("keys").set({ activates_at: activatesAt }).where("kid", "in", kids).execute();
    // Only the last of them is unrevoked.
    return { outcome: "activated", record: { ...record, kid: kids.at(-1) ?? key.kid } };
  }
  requireSameKek(keys, key);
  const row = toKeyRow({ ...key, ...succession.add }, sequence);
  await transaction.insertInto("keys").values(row).execute();
  return { outcome: "added", record };
}

/** A server that still has the previous key-encryption key must not store keys that no other server can open. */
function requireSameKek(keys: readonly StoredKey[], { privateJwk }: StoredKey): void {
  const living = keys.filter(({ killedAt }) => killedAt === undefined);
  if (living.some((key) => kekFingerprintOf(key.privateJwk) !== kekFingerprintOf(privateJwk)))
    throw new MintmarkError("kek_changed");
}

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

export function createKeyQueries(db: Kysely<Schema>, change: Commit): KeyQueries {
  /** A change that others must read the keys again for. */
  const changeKeys: Commit = (record, apply) =>
    change(record, async (transaction, state) => {
      await transaction.updateTable("state").set({ keys_revision: state.sequence }).execute();
      return apply(transaction, state);
    });

  return {
    listKeys: () => keysIn(db),

    addKey: (key, record, { setsAlg = false } = {}) =>
      changeKeys(record, async (transaction, { sequence }) => {
        const stored = await keysIn(transaction);
        const keys = setsAlg ? await changeAlg(transaction, stored, { key, now: record.at }) : stored;
        return applySuccession(transaction, scheduleKey(keys, key), { keys, key, sequence, record });
      }),

    revokeKey: (kid, { now, replacement }, record) =>
      changeKeys(record, async (transaction, { sequence }) => {
        const keys = await keysIn(transaction);
        const key = keys.find((key) => key.kid === kid && key.killedAt === undefined);
        if (key === undefined) return { outcome: "unchanged" };
        const dead = await revoke(transaction, key, now);
        const left = keys.map((other) => (other === key ? dead : other));
        await applySuccession(transaction, scheduleAfterRevocation(left, now), {
          keys: left,
          key: replacement,
          sequence,
          record,
        });
        return { outcome: "killed", record };
      }),

    rewrapKeys: (keys, record) =>
      changeKeys(record, async (transaction) => {
        const living = (await keysIn(transaction)).filter(({ killedAt }) => killedAt === undefined);
        const sealed = new Map(keys.map(({ kid, privateJwk }) => [kid, privateJwk]));
        if (living.some(({ kid }) => !sealed.has(kid))) return { outcome: "changed" };
        for (const { kid } of living) {
          const change = transaction.updateTable("keys").set({ private_jwk: sealed.get(kid) });
          await change.where("kid", "=", kid).execute();
        }
        return { outcome: "resealed", record };
      }),
  };
}

async function keysIn(db: Kysely<Schema>): Promise<StoredKey[]> {
  const rows = await db.selectFrom("keys").selectAll().orderBy("sequence").execute();
  return rows.map(fromKeyRow);
}

async function revoke(transaction: Tx, key: StoredKey, now: Seconds): Promise<StoredKey> {
  const { kid } = key;
  // One that never signed leaves its place to another.
  const follows = key.activatesAt > now ? { follows: `killed ${kid}` } : {};
  const dead = { killed_at: now, private_jwk: "", ...follows };
  await transaction.updateTable("keys").set(dead).where("kid", "=", kid).execute();
  return { ...key, killedAt: now };
}

/** Stores the algorithm of a key for all later ones. Those that wait for their turn behind the one it follows give way to it. */
async function changeAlg(
  transaction: Tx,
  keys: readonly StoredKey[],
  { key, now }: { key: StoredKey; now: Seconds },
): Promise<StoredKey[]> {
  await transaction.updateTable("state").set({ alg: key.alg }).execute();
  const place = keys.findIndex(({ kid }) => kid === key.follows);
  const givesWay = (other: StoredKey, at: number) =>
    at > place && other.killedAt === undefined && other.alg !== key.alg && other.activatesAt > now;
  return Promise.all(keys.map((other, at) => (givesWay(other, at) ? revoke(transaction, other, now) : other)));
}

type NewKey = { keys: readonly StoredKey[]; key: StoredKey; sequence: number; record: AuditRecord };

/** Does what was found to do about a new key. Throws `kek_changed` for one that is sealed unlike those that are there. */
async function applySuccession(
  transaction: Tx,
  succession: Succession | undefined,
  { keys, key, sequence, record }: NewKey,
): Promise<Changed<"added" | "activated" | "present">> {
  if (succession === undefined) return { outcome: "present" };
  if ("activateEarlier" in succession) {
    const { activateEarlier: kids, activatesAt } = succession;
    await transaction.updateTable("keys").set({ activates_at: activatesAt }).where("kid", "in", kids).execute();
    // The last of them is the one that lives.
    return { outcome: "activated", record: { ...record, kid: kids.at(-1) ?? key.kid } };
  }
  requireSameKek(keys, key);
  const row = toKeyRow({ ...key, ...succession.add }, sequence);
  await transaction.insertInto("keys").values(row).execute();
  return { outcome: "added", record };
}

/** A server that still has the key-encryption key of before a rewrap must not leave keys that none can read beside it. */
function requireSameKek(keys: readonly StoredKey[], { privateJwk }: StoredKey): void {
  const living = keys.filter(({ killedAt }) => killedAt === undefined);
  if (living.some((key) => kekFingerprintOf(key.privateJwk) !== kekFingerprintOf(privateJwk)))
    throw new MintmarkError("kek_changed");
}

import type { Kysely } from "kysely";
import type { StoredKey } from "../../keys/key-pair.ts";
import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { ChangeRecord } from "../audit.ts";
import { type KeyChange, withKey, withoutKey, withPrivateJwks } from "../key-changes.ts";
import type { Store } from "../store.ts";
import type { Commit } from "./commit.ts";
import { fromKeyRow, toKeyRow } from "./mappers.ts";
import type { Schema } from "./schema.ts";

type KeyQueries = Pick<Store, "listKeys" | "addKey" | "revokeKey" | "rewrapKeys">;

export function createKeyQueries(db: Kysely<Schema>, commit: Commit): KeyQueries {
  /** A change after which other servers must reload the keys. `alg` is stored as that of all later keys. */
  const commitKeys = <Outcome>(
    record: ChangeRecord,
    change: (keys: readonly StoredKey[]) => KeyChange<Outcome>,
    alg?: KeyPairAlgorithm,
  ) =>
    commit(record, async (transaction, { sequence }) => {
      const state = { keys_revision: sequence, ...(alg !== undefined && { alg }) };
      await transaction.updateTable("state").set(state).execute();
      const stored = await readKeys(transaction);
      const { keys, ...changed } = change(stored);
      for (const [at, key] of keys.entries()) {
        const row = toKeyRow(key);
        if (at >= stored.length)
          await transaction
            .insertInto("keys")
            .values({ ...row, sequence })
            .execute();
        else if (key !== stored[at])
          await transaction.updateTable("keys").set(row).where("kid", "=", key.kid).execute();
      }
      return changed;
    });

  return {
    listKeys: () => readKeys(db),
    addKey: (key, record, { setsAlg = false } = {}) =>
      commitKeys(record, (keys) => withKey(keys, { key, record, setsAlg }), setsAlg ? key.alg : undefined),
    revokeKey: (kid, { now, replacement: key }, record) =>
      commitKeys(record, (keys) => withoutKey(keys, { kid, now, key, record })),
    rewrapKeys: (wrapped, record) => commitKeys(record, (keys) => withPrivateJwks(keys, { wrapped, record })),
  };
}

async function readKeys(db: Kysely<Schema>): Promise<StoredKey[]> {
  const rows = await db.selectFrom("keys").selectAll().orderBy("sequence").execute();
  return rows.map(fromKeyRow);
}

import type { StoredKey } from "../../keys/key-pair.ts";
import type { ChangeRecord } from "../audit.ts";
import { type KeyChange, withKey, withoutKey, withPrivateJwks } from "../key-changes.ts";
import type { Store } from "../store.ts";
import { commit, type MemoryDatabase } from "./database.ts";

type KeyVerbs = Pick<Store, "listKeys" | "addKey" | "revokeKey" | "rewrapKeys">;

export function createKeyVerbs(database: MemoryDatabase): KeyVerbs {
  const commitKeys = <Outcome>(
    record: ChangeRecord,
    change: (keys: readonly StoredKey[]) => KeyChange<Outcome>,
    alg = database.position.settings.alg,
  ) =>
    commit(database, record, (sequence) => {
      const { keys, ...changed } = change(database.keys);
      database.position.keysSequence = sequence;
      database.position.settings.alg = alg;
      database.keys = structuredClone([...keys]);
      return changed;
    });

  return {
    listKeys: async () => structuredClone(database.keys),
    addKey: async (key, record, { setsAlg = false } = {}) =>
      commitKeys(record, (keys) => withKey(keys, { key, record, setsAlg }), setsAlg ? key.alg : undefined),
    revokeKey: async (kid, { now, replacement: key }, record) =>
      commitKeys(record, (keys) => withoutKey(keys, { kid, now, key, record })),
    rewrapKeys: async (wrapped, record) => commitKeys(record, (keys) => withPrivateJwks(keys, { wrapped, record })),
  };
}

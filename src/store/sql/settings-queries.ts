import { randomUUID } from "node:crypto";
import type { Updateable } from "kysely";
import type { StoredSettings } from "../settings.ts";
import type { Store } from "../store.ts";
import type { Commit, Tx } from "./commit.ts";
import type { Schema } from "./schema.ts";

export function createSettingsQueries(change: Commit): Pick<Store, "changeSettings"> {
  return {
    changeSettings: ({ longestLifetime = 0, ...settings }, { record, isInitial: isFirst }) =>
      change(record, async (transaction, stored) => {
        await transaction
          .updateTable("state")
          .set({ id: 1, ...toStateRow(settings) })
          .execute();
        if (longestLifetime > stored.longestLifetime)
          await raise(transaction, { from: stored.longestLifetime, to: longestLifetime });
        return { outcome: undefined, ...(!isFirst && { record }) };
      }),
  };
}

/** Tokens may have had the longer lifetime before it was stored, under an earlier release or beside one. */
async function raise(transaction: Tx, { from, to }: { from: number; to: number }): Promise<void> {
  await transaction
    .updateTable("revocations")
    .set(({ eb }) => ({ until: eb("until", "+", to - from) }))
    .where("kind", "<>", "token")
    .execute();
  // Who follows has noted the shorter time.
  const epoch = from === 0 ? {} : { epoch: randomUUID() };
  await transaction
    .updateTable("state")
    .set({ longest_lifetime: to, ...epoch })
    .execute();
}

/** A member that is there but undefined empties its column. */
function toStateRow(settings: Omit<Partial<StoredSettings>, "longestLifetime">): Updateable<Schema["state"]> {
  return {
    ...("issuer" in settings && { issuer: settings.issuer ?? null }),
    ...("audience" in settings && { audience: settings.audience ?? null }),
    ...("alg" in settings && { alg: settings.alg ?? null }),
    ...("secretKid" in settings && { secret_kid: settings.secretKid ?? null }),
    ...("secretKids" in settings && { secret_kids: JSON.stringify(settings.secretKids ?? []) }),
    ...("ttl" in settings && { ttl: settings.ttl ?? 0 }),
    ...("maxTtl" in settings && { max_ttl: settings.maxTtl ?? 0 }),
  };
}

import { randomUUID } from "node:crypto";
import type { Updateable } from "kysely";
import type { StoredSettings } from "../settings.ts";
import type { Store } from "../store.ts";
import type { Commit, Tx } from "./commit.ts";
import type { Schema } from "./schema.ts";

export function createSettingsQueries(commit: Commit): Pick<Store, "changeSettings"> {
  return {
    changeSettings: ({ longestLifetime = 0, ...settings }, { record, isInitial }) =>
      commit(record, async (transaction, stored) => {
        await transaction
          .updateTable("state")
          .set({ id: 1, ...toStateRow(settings) })
          .execute();
        if (longestLifetime > stored.longestLifetime)
          await raiseLongestLifetime(transaction, { from: stored.longestLifetime, to: longestLifetime });
        return { outcome: undefined, ...(!isInitial && { record }) };
      }),
  };
}

/** Extends existing revocations: an earlier release may have issued tokens with the longer lifetime before it was stored. */
async function raiseLongestLifetime(transaction: Tx, { from, to }: { from: number; to: number }): Promise<void> {
  await transaction
    .updateTable("revocations")
    .set(({ eb }) => ({ until: eb("until", "+", to - from) }))
    .where("kind", "<>", "token")
    .execute();
  // Followers hold the shorter retention. A new epoch makes them fetch a snapshot.
  const epoch = from === 0 ? {} : { epoch: randomUUID() };
  await transaction
    .updateTable("state")
    .set({ longest_lifetime: to, ...epoch })
    .execute();
}

/** A member that is present but undefined clears its column. */
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

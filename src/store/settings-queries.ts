import type { Updateable } from "kysely";
import type { Change } from "./change.ts";
import type { Schema } from "./schema.ts";
import type { StoredSettings } from "./settings.ts";
import type { Store } from "./store.ts";

export function createSettingsQueries(change: Change): Pick<Store, "changeSettings"> {
  return {
    changeSettings: (settings, { record, isFirst }) =>
      change(record, async (transaction, { longestLifetime }) => {
        await transaction
          .updateTable("state")
          .set(toStateRow({ ...settings, longestLifetime: Math.max(longestLifetime, settings.longestLifetime ?? 0) }))
          .execute();
        return { outcome: undefined, ...(!isFirst && { record }) };
      }),
  };
}

/** A member that is there but undefined empties its column. */
function toStateRow({ longestLifetime, ...settings }: Partial<StoredSettings>): Updateable<Schema["state"]> {
  return {
    longest_lifetime: longestLifetime,
    ...("issuer" in settings && { issuer: settings.issuer ?? null }),
    ...("audience" in settings && { audience: settings.audience ?? null }),
    ...("alg" in settings && { alg: settings.alg ?? null }),
    ...("secretKid" in settings && { secret_kid: settings.secretKid ?? null }),
  };
}

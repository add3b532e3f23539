import type { Store } from "../store/store.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { createAuditLog } from "./access/audit-log.ts";
import { createAuthorizer } from "./access/authorize.ts";
import type { Caller } from "./access/caller.ts";
import { createCurrentCaller } from "./access/caller.ts";
import { createStoreFollower, type StoreFollowerOptions } from "./feed/store-follower.ts";
import { createKeyManagement } from "./keys/key-management.ts";
import { secretKeys, storedKeys } from "./keys/loaded-keys.ts";
import { createCounters } from "./operations/counters.ts";
import { PROBE_BYTES } from "./operations/readiness.ts";
import type { resolveOptions } from "./options.ts";
import { changesBetween, createSettings } from "./settings.ts";

/** The options with their defaults. */
type ResolvedOptions = ReturnType<typeof resolveOptions<ClaimsSchema>>;

/**
 * Opens what all use cases share: the audit log, the keys, the trust state and the settings, current with the store. Stores
 * configured settings that differ, and generates the first key.
 */
export async function openState(store: Store, resolved: ResolvedOptions) {
  const { secret, kek, guest, clock, runsMaintenance, onError, onNotice } = resolved;
  const counts = createCounters();
  const policy = () => ({ rotation: resolved.rotation, maxTtl: settings.longestLifetime() });
  const audit = createAuditLog(store, clock);
  const keys = secret === undefined ? storedKeys({ store, clock, policy, kek, onError }) : secretKeys(secret, store);
  // One of several processes logs the change.
  const onSettings: StoreFollowerOptions["onSettings"] = (change) => {
    if (runsMaintenance) for (const sentence of changesBetween(change)) onNotice(sentence);
  };
  const { maxStaleness } = resolved;
  const trust = createStoreFollower({ store, clock, maxStaleness, reloadKeys: keys.reload, onSettings });
  const secretKid = secret === undefined ? undefined : keys.current().signing?.kid;
  const settings = createSettings({ given: { ...resolved.given, secretKid }, guest, store, trust, audit });
  const currentCaller = createCurrentCaller({ store, clock });
  const refresh = async (caller: Caller) =>
    caller.asOf === undefined ? caller : currentCaller(caller, await trust.latest());
  const authorize = createAuthorizer({ audit, refresh });
  const shared = { store, keys, trust, authorize, audit, clock, counts, settings };
  const keyManagement = createKeyManagement({ ...shared, policy, kek });
  const rotateIfDue = secret === undefined && runsMaintenance ? keyManagement.rotateIfDue : async () => {};
  await trust.catchUp();
  if (runsMaintenance) await store.checkWritable(PROBE_BYTES);
  await settings.store();
  await rotateIfDue();
  return { ...shared, secretKid, currentCaller, keyManagement, rotateIfDue };
}

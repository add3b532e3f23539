import { MintmarkError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import { aClient, aGrant, aKey, aRecord, aResource, aRotation, aSecret, records, unique } from "./samples.ts";

/** A call of every store method, on existing and missing rows. */
export async function everyVerb(store: Store): Promise<Record<string, () => Promise<unknown>>> {
  const key = await aKey({ follows: (await aKey()).kid });
  const replacement = await aKey();
  const client = aClient();
  const grant = aGrant();
  return {
    listKeys: () => store.listKeys(),
    addKey: () => store.addKey(key, aRecord()),
    revokeKey: () => store.revokeKey(key.kid, { now: NOW, replacement }, aRecord()),
    rewrapKeys: () => store.rewrapKeys([key], aRecord()),
    findClient: () => store.findClient(client.clientId),
    listClients: () => store.listClients(),
    addClient: () => store.addClient(client, aRecord()),
    replaceSecrets: () => store.replaceSecrets(client.clientId, { from: client.secrets, to: [aSecret()] }, aRecord()),
    updateClient: () => store.updateClient(client.clientId, { from: client, to: aClient() }, aRecord()),
    recordUses: () => store.recordUses([{ clientId: client.clientId, at: NOW }]),
    removeClient: () => store.removeClient(client.clientId, aRecord()),
    addResource: () => store.addResource(aResource(), aRecord()),
    removeResource: () => store.removeResource(unique(), aRecord()),
    listResources: () => store.listResources(),
    findResources: () => store.findResources([unique()]),
    appendAudit: () => store.appendAudit(records(2)),
    findTokenRecords: () => store.findTokenRecords(unique()),
    listAudit: () => store.listAudit({ limit: 1 }),
    pruneAudit: () => store.pruneAudit(1, 10),
    position: () => store.position(),
    changeSettings: () => store.changeSettings({ longestLifetime: 900 }, { record: aRecord(), isInitial: false }),
    revoke: () => store.revoke({ kind: "token", id: unique(), until: NOW }, aRecord()),
    listRevocations: () => store.listRevocations(0, 1),
    findRevocations: () => store.findRevocations([{ kind: "token", id: unique() }]),
    forgetRevocations: () => store.forgetRevocations(1, 10),
    addGrant: () => store.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord()),
    findGrant: () => store.findGrant(grant.sid),
    findGrantBySid: () => store.findGrantBySid(grant.sid),
    listGrants: () => store.listGrants({ subject: grant.subject, now: NOW, limit: 1 }),
    rotateRefreshToken: () => store.rotateRefreshToken(grant.sid, aRotation(grant.sid), aRecord()),
    pruneGrants: () => store.pruneGrants(1, 10),
    addToCounts: () => store.addToCounts([{ id: unique(), amount: 1, until: NOW }]),
    readCounts: () => store.readCounts([unique()]),
    pruneCounts: () => store.pruneCounts(1, 10),
    checkWritable: () => store.checkWritable(100),
  };
}

/** The error of a call, and its duration in milliseconds. */
export async function refusal(verb: string, call: () => Promise<unknown>) {
  const start = performance.now();
  const error = await call().catch((error: unknown) => error);
  return { verb, reason: error instanceof MintmarkError ? error.reason : error, took: performance.now() - start };
}

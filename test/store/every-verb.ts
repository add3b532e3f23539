import { MintmarkError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import {
  aClient,
  aCode,
  aConsent,
  aDeviceRequest,
  aGrant,
  aKey,
  anIntroducedClient,
  aRecord,
  aRedemption,
  aRequest,
  aResource,
  aRotation,
  aSecret,
  aSignIn,
  FREE,
  records,
  unique,
} from "./samples.ts";

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
    addIntroducedClient: () => store.addIntroducedClient(anIntroducedClient(), { maxUnused: 10 }, aRecord()),
    updateDocument: () => store.updateDocument(client.clientId, { from: client, to: client, freshUntil: NOW }),
    pruneIntroducedClients: () => store.pruneIntroducedClients({ added: 1, used: 1 }, 10),
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
    ...everyPeopleVerb(store),
  };
}

/** The verbs for the sign-in of people. */
function everyPeopleVerb(store: Store) {
  const signIn = aSignIn();
  const { sid, hash, subject } = signIn;
  const [request, device] = [aRequest(), aDeviceRequest()];
  const code = aCode(signIn);
  const change = { ...FREE, consents: [aConsent(code)], agrees: true };
  return {
    addSignIn: () => store.addSignIn(signIn, 0, aRecord()),
    renewSignIn: () => store.renewSignIn(sid, { ...signIn, sequence: 0 }, aRecord()),
    findSignIn: () => store.findSignIn(hash),
    findSignInBySid: () => store.findSignInBySid(sid),
    listSignIns: () => store.listSignIns({ subject, now: NOW, limit: 1 }),
    addAuthorizationRequest: () => store.addAuthorizationRequest(request),
    findAuthorizationRequest: () => store.findAuthorizationRequest(request.handle),
    setPerson: () => store.setPerson(request.handle, { person: "refused", handle: request.handle }, aRecord()),
    takePerson: () => store.takePerson(request.handle),
    removeAuthorizationRequest: () => store.removeAuthorizationRequest(request.handle),
    addCode: () => store.addCode(code, change, aRecord()),
    findCode: () => store.findCode(code.hash),
    redeemCode: () => store.redeemCode(code.hash, aRedemption(code, { notify: true }), aRecord()),
    endCode: () => store.endCode(code.hash, aRecord()),
    findConsents: () => store.findConsents(code),
    listConsents: () => store.listConsents(subject),
    removeConsents: () => store.removeConsents(code, aRecord()),
    findGrantIds: () => store.findGrantIds(code),
    addDeviceRequest: () => store.addDeviceRequest(device, aRecord()),
    findDeviceRequest: () => store.findDeviceRequest(device),
    claimDeviceRequest: () => store.claimDeviceRequest(device.hash, "browser"),
    denyDeviceRequest: () => store.denyDeviceRequest(device.hash, aRecord()),
    pollDeviceRequest: () => store.pollDeviceRequest(device.hash, { now: NOW }),
    takeLogouts: () => store.takeLogouts(NOW, { limit: 1, lease: 60 }),
    postponeLogout: () => store.postponeLogout(code, NOW),
    finishLogout: () => store.finishLogout(code),
    pruneSignInData: () => store.pruneSignInData(1, 10),
    pruneRequests: () => store.pruneRequests(1, 10),
  } satisfies Partial<Record<keyof Store, () => Promise<unknown>>>;
}

/** The error of a call, and its duration in milliseconds. */
export async function refusal(verb: string, call: () => Promise<unknown>) {
  const start = performance.now();
  const error = await call().catch((error: unknown) => error);
  return { verb, reason: error instanceof MintmarkError ? error.reason : error, took: performance.now() - start };
}

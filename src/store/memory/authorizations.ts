import type { AuthorizationRequest } from "../authorization.ts";
import { isAgreed, unitedWith } from "../consent.ts";
import type { Consent } from "../sign-in.ts";
import type { AuthorizationStore, CodeChange, Redemption, SubjectAndClient } from "../sign-in-store.ts";
import { commit, compare, type MemoryDatabase, wasRevokedSince, writeWithRecord } from "./database.ts";
import { type People, removeWhere } from "./people.ts";

type RequestVerbs = Pick<
  AuthorizationStore,
  "addAuthorizationRequest" | "findAuthorizationRequest" | "setPerson" | "takePerson" | "removeAuthorizationRequest"
>;

export function createRequestVerbs(database: MemoryDatabase): RequestVerbs {
  const { requests } = database.people;
  return {
    async addAuthorizationRequest(request) {
      requests.set(request.handle, structuredClone(request));
    },
    findAuthorizationRequest: async (handle) => structuredClone(requests.get(handle)),
    setPerson: async (handle, answer, record) =>
      writeWithRecord(database, record, () => {
        const request = requests.get(handle);
        if (request === undefined) return { outcome: "unknown", isChange: false };
        requests.delete(handle);
        requests.set(answer.handle, structuredClone({ ...request, ...answer }));
        return { outcome: "set", isChange: true };
      }),
    async takePerson(handle) {
      const { person, ...request } = requests.get(handle) ?? {};
      if (person === undefined) return "unknown";
      requests.set(handle, request as AuthorizationRequest);
      return "taken";
    },
    removeAuthorizationRequest: async (handle, record) =>
      writeWithRecord(database, record, () => {
        const isChange = requests.delete(handle);
        return { outcome: isChange ? "removed" : "unknown", isChange };
      }),
  };
}

type CodeVerbs = Pick<AuthorizationStore, "addCode" | "findCode" | "redeemCode" | "endCode">;

export function createCodeVerbs(database: MemoryDatabase): CodeVerbs {
  const { people, grants, refreshTokens } = database;
  const { codes, signIns } = people;
  return {
    addCode: async (code, change, record) =>
      commit(database, record, () => {
        const { sequence, consents, agrees } = change;
        if (!signIns.has(code.sid) || wasRevokedSince(database, sequence, code)) return { outcome: "ended" };
        const stored = consentsOf(people, code);
        if (!agrees && !consents.every((consent) => isAgreed(consent, stored))) return { outcome: "not_agreed" };
        if (!takeRequests(people, change)) return { outcome: "unknown" };
        if (agrees) for (const given of consents) setConsent(people, unitedWith(given, stored));
        codes.set(code.hash, structuredClone({ ...code, until: code.expiresAt }));
        return { outcome: "added", record };
      }),
    async findCode(hash) {
      const found = codes.get(hash);
      if (found === undefined) return undefined;
      const { until: _, ...code } = found;
      return structuredClone(code);
    },
    redeemCode: async (hash, redemption, record) =>
      commit(database, record, () => {
        const { grant, refreshHash, sequence, until, notify } = redemption;
        if (wasRevokedSince(database, sequence, grant)) return { outcome: "revoked" };
        const code = codes.get(hash);
        if (code === undefined) return { outcome: "unknown" };
        if (code.grantSid !== undefined) return { outcome: "used" };
        Object.assign(code, { grantSid: grant.sid, until });
        grants.set(grant.sid, structuredClone(grant));
        if (refreshHash !== undefined) refreshTokens.set(refreshHash, { sid: grant.sid });
        if (notify) addNotice(people, redemption);
        return { outcome: "redeemed", record };
      }),
    endCode: async (hash, record) =>
      writeWithRecord(database, record, () => {
        const code = codes.get(hash);
        const isChange = code !== undefined && code.grantSid === undefined && codes.delete(hash);
        return { outcome: isChange ? "ended" : "unknown", isChange };
      }),
  };
}

type ConsentVerbs = Pick<AuthorizationStore, "findConsents" | "listConsents" | "removeConsents" | "findGrantIds">;

export function createConsentVerbs(database: MemoryDatabase): ConsentVerbs {
  const { people, grants, clients } = database;
  return {
    findConsents: async (of) => structuredClone(consentsOf(people, of)),
    listConsents: async (subject) =>
      [...people.consents.values()]
        .filter((consent) => consent.subject === subject)
        .toSorted((a, b) => b.at - a.at || compare(idOf(a), idOf(b)))
        .map((consent) => {
          const clientName = clients.get(consent.clientId)?.name;
          return { ...structuredClone(consent), ...(clientName !== undefined && { clientName }) };
        }),
    removeConsents: async (of, record) =>
      commit(database, record, () => {
        const removed = removeWhere(people.consents, isOf(of));
        const ended = removeWhere(people.codes, (code) => isOf(of)(code) && code.grantSid === undefined);
        return { outcome: removed, ...(removed + ended > 0 && { record }) };
      }),
    findGrantIds: async (of) =>
      [...grants.values()].filter((grant) => isOf(of)(grant) && grant.signIn !== undefined).map(({ sid }) => sid),
  };
}

function isOf({ subject, clientId }: SubjectAndClient) {
  return (row: SubjectAndClient) => row.subject === subject && row.clientId === clientId;
}

function consentsOf({ consents }: People, of: SubjectAndClient): Consent[] {
  return [...consents.values()].filter(isOf(of));
}

function setConsent({ consents }: People, consent: Consent): void {
  consents.set(`${consent.subject} ${idOf(consent)}`, structuredClone(consent));
}

/** Identifies a consent of a subject, and sorts as in a database. */
function idOf({ clientId, host, audience }: Consent): string {
  return [clientId, host, audience].join("\0");
}

/** False where a request that the code answers is not stored any more. */
function takeRequests({ requests, devices }: People, { handle, device }: CodeChange): boolean {
  if (handle !== undefined && !requests.delete(handle)) return false;
  if (device === undefined) return true;
  return devices.get(device)?.denied === false && devices.delete(device);
}

function addNotice({ notices }: People, { grant, until }: Redemption): void {
  const { signIn: sid = grant.sid, clientId, subject } = grant;
  const known = notices.get(`${sid} ${clientId}`);
  if (known !== undefined) known.until = Math.max(known.until, until);
  else notices.set(`${sid} ${clientId}`, { sid, clientId, subject, attempts: 0, until });
}

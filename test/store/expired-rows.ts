import type { Store } from "../../src/store/store.ts";
import { crowd } from "../support/crowd.ts";
import { NOW } from "../support/service.ts";
import { aCode, aDeviceRequest, aGrant, aRecord, aRequest, aSignIn, FREE } from "./samples.ts";

/** Adds 200 expired rows of one subject and client. Deletions by these find them in another order than a prune does. */
type Case = {
  table: string;
  key: string;
  by: "subject" | "client";
  add: (store: Store, of: { subject: string; clientId: string }) => Promise<unknown>;
  prune: (store: Store) => Promise<unknown>;
};

const scattered = Array.from({ length: 200 }, (_, at) => (at * 77) % 200);
const idOf = (at: number) => `id-${String(at).padStart(3, "0")}`;
/** In the middle of both orders. */
export const MIDDLE = idOf(100);

const addEach = (add: (at: number) => Promise<unknown>) => crowd(scattered.map((at) => () => add(at)));
const prune: Case["prune"] = (store) => store.pruneSignInData(NOW + 500, 200);
const pruneRequests: Case["prune"] = (store) => store.pruneRequests(NOW + 500, 200);

export const expiredRows: Case[] = [
  {
    ...{ table: "sessions", key: "sid", by: "subject", prune: (store) => store.pruneGrants(NOW + 500, 200) },
    add: (store, of) =>
      addEach((at) => {
        const grant = aGrant({ ...of, sid: idOf(at), createdAt: NOW - at });
        return store.addGrant(grant, { hash: grant.sid, sequence: FREE.sequence }, aRecord());
      }),
  },
  {
    ...{ table: "sign_ins", key: "sid", by: "subject", prune },
    add: (store, { subject }) =>
      addEach((at) => {
        const signIn = aSignIn({ subject, sid: idOf(at), createdAt: NOW - at, expiresAt: NOW + at });
        return store.addSignIn(signIn, FREE.sequence, aRecord());
      }),
  },
  {
    ...{ table: "authorization_codes", key: "hash", by: "client", prune },
    add: async (store, { clientId }) => {
      const signIn = aSignIn({ expiresAt: NOW + 900 });
      await store.addSignIn(signIn, FREE.sequence, aRecord());
      const code = (at: number) => aCode(signIn, { clientId, hash: idOf(at), expiresAt: NOW + at });
      return addEach((at) => store.addCode(code(at), FREE, aRecord()));
    },
  },
  {
    ...{ table: "authorization_requests", key: "handle", by: "client", prune: pruneRequests },
    add: (store, { clientId }) =>
      addEach((at) => store.addAuthorizationRequest(aRequest({ clientId, handle: idOf(at), expiresAt: NOW + at }))),
  },
  {
    ...{ table: "device_requests", key: "hash", by: "client", prune: pruneRequests },
    add: (store, { clientId }) =>
      addEach((at) =>
        store.addDeviceRequest(aDeviceRequest({ clientId, hash: idOf(at), expiresAt: NOW + at }), aRecord()),
      ),
  },
];

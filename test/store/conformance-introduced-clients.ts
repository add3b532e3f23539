import { describe, expect, it } from "vitest";
import { fieldsOf, type IntroducedClient } from "../../src/store/client.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import {
  aClient,
  aCode,
  aConsent,
  aGrant,
  anIntroducedClient,
  aRecord,
  aRequest,
  aSignIn,
  FREE,
  unique,
} from "./samples.ts";

const MANY = { maxUnused: 100 };

/** A registration, added at a moment. */
const registered = (createdAt: number) =>
  anIntroducedClient({ clientId: unique(), introduced: "registration", documentFreshUntil: undefined, createdAt });

export function describeIntroducedClients(open: Open): void {
  const add = (store: Store, client: IntroducedClient, options = MANY) =>
    store.addIntroducedClient(client, options, aRecord());
  const idsOf = async (store: Pick<Store, "listClients">) =>
    (await store.listClients()).map(({ clientId }) => clientId);

  describe("addIntroducedClient", () => {
    it("adds a client of either kind, which findClient returns, and audits it", async () => {
      await using opened = await open();
      for (const client of [anIntroducedClient(), registered(NOW)]) {
        const record = aRecord({ action: "clients.introduce" });
        expect(await opened.here.addIntroducedClient(client, MANY, record)).toBe("added");
        expect(await opened.there.findClient(client.clientId)).toEqual({ ...client, asOf: expect.any(Number) });
        expect((await opened.there.listAudit({ limit: 1 }))[0]).toEqual(record);
      }
    });

    it("is a change of clients to no server: strangers notify none", async () => {
      await using opened = await open();
      const client = anIntroducedClient();
      await opened.here.addClient(aClient(), aRecord());
      const before = await opened.here.position();
      await add(opened.here, client);
      await opened.here.updateDocument(
        client.clientId,
        { from: client, to: { ...client, name: "b" }, freshUntil: NOW },
        aRecord(),
      );
      await opened.here.pruneIntroducedClients({ added: NOW + 1, used: NOW }, 10);
      expect(await opened.there.position()).toEqual({ ...before, time: expect.any(Number) });
    });

    it("leaves an existing client unchanged, and audits nothing; one of many concurrent ones is added", async () => {
      await using opened = await open();
      const client = anIntroducedClient();
      const offered = Array.from({ length: 8 }, (_, at) => ({ ...client, name: `name ${at}` }));
      const outcomes = await Promise.all(
        offered.map((one, at) => (at % 2 ? opened.here : opened.there).addIntroducedClient(one, MANY, aRecord())),
      );
      expect(outcomes.toSorted()).toEqual(["added", ...Array(7).fill("present")]);
      expect(await opened.here.listClients()).toEqual([offered[outcomes.indexOf("added")]]);
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(1);
    });

    it("displaces the oldest of its kind that was never used, beyond the bound", async () => {
      await using opened = await open();
      const { here } = opened;
      const [used, oldest, newer, newest, document] = [
        registered(NOW - 9),
        registered(NOW - 8),
        registered(NOW - 7),
        registered(NOW),
        anIntroducedClient({ createdAt: NOW - 10 }),
      ];
      for (const client of [document, newer, used, oldest]) await add(here, client);
      await here.recordUses([{ clientId: used.clientId, at: NOW }]);
      await add(here, newest, { maxUnused: 2 });
      expect((await idsOf(opened.there)).toSorted()).toEqual(
        [used, newer, newest, document].map(({ clientId }) => clientId).toSorted(),
      );
    });

    it("displaces none with a grant or a code", async () => {
      await using opened = await open();
      const { here } = opened;
      const [granted, coded, unused] = [registered(NOW - 9), registered(NOW - 8), registered(NOW - 7)];
      for (const client of [granted, coded, unused]) await add(here, client);
      await giveGrant(here, granted);
      await giveCode(here, coded);
      const newest = registered(NOW);
      await add(here, newest, { maxUnused: 1 });
      expect((await idsOf(here)).toSorted()).toEqual(
        [granted, coded, newest].map(({ clientId }) => clientId).toSorted(),
      );
    });
  });

  describe("listClients, of clients that an administrator added", () => {
    it("lists no introduced client", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      await add(opened.here, anIntroducedClient());
      expect(await opened.there.listClients({ added: true })).toEqual([client]);
      expect(await opened.there.listClients()).toHaveLength(2);
    });
  });

  describe("updateDocument", () => {
    it("stores changed fields with a record, and a later time alone without one", async () => {
      await using opened = await open();
      const client = anIntroducedClient();
      await add(opened.here, client);
      const to = { ...fieldsOf(client), name: "B", redirectUris: ["https://b.example/callback"] };
      const record = aRecord();
      const change = { from: client, to, freshUntil: NOW + 60 };
      expect(await opened.there.updateDocument(client.clientId, change, record)).toBe("updated");
      expect((await opened.here.listAudit({ limit: 1 }))[0]).toEqual(record);
      const later = { from: to, to, freshUntil: NOW + 120 };
      expect(await opened.there.updateDocument(client.clientId, later)).toBe("updated");
      expect(await opened.here.findClient(client.clientId)).toEqual({
        ...client,
        ...to,
        documentFreshUntil: NOW + 120,
        asOf: expect.any(Number),
      });
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(2);
    });

    it("changes nothing if the fields have changed, or the client is gone or of another kind", async () => {
      await using opened = await open();
      const [document, registration, added] = [anIntroducedClient(), registered(NOW), aClient()];
      for (const client of [document, registration]) await add(opened.here, client);
      await opened.here.addClient(added, aRecord());
      const before = await opened.here.listClients();
      const stale = { ...document, grants: ["authorization_code" as const] };
      for (const from of [stale, registration, added, anIntroducedClient()]) {
        const change = { from, to: { ...from, name: "B" }, freshUntil: NOW + 999 };
        expect(await opened.there.updateDocument(from.clientId, change, aRecord())).toBe("changed");
      }
      expect(await opened.here.listClients()).toEqual(before);
    });

    it("applies one of many concurrent changes", async () => {
      await using opened = await open();
      const client = anIntroducedClient();
      await add(opened.here, client);
      const names = Array.from({ length: 8 }, (_, at) => `name ${at}`);
      const outcomes = await Promise.all(
        names.map((name, at) =>
          (at % 2 ? opened.here : opened.there).updateDocument(
            client.clientId,
            { from: client, to: { ...client, name }, freshUntil: NOW },
            aRecord(),
          ),
        ),
      );
      expect(outcomes.toSorted()).toEqual([...Array(7).fill("changed"), "updated"]);
      expect((await opened.here.findClient(client.clientId))?.name).toBe(names[outcomes.indexOf("updated")]);
    });
  });

  describe("pruneIntroducedClients", () => {
    it("deletes consents with the client, and none with a grant, a code or a request; nor an added client", async () => {
      await using opened = await open();
      const { here } = opened;
      const [idle, granted, coded, asking] = [registered(1), registered(1), registered(1), anIntroducedClient()];
      for (const client of [idle, granted, coded, asking]) await add(here, { ...client, createdAt: 1 });
      const added = aClient({ authMethod: "none", grants: [], secrets: [], createdAt: 1 });
      await here.addClient(added, aRecord());
      await giveGrant(here, granted);
      const subject = await giveCode(here, coded);
      const consents = [aConsent({ subject, clientId: idle.clientId })];
      await giveCode(here, { clientId: "another" }, { consents, subject });
      await here.addAuthorizationRequest(aRequest({ clientId: asking.clientId }));
      expect(await here.listConsents(subject)).toHaveLength(1);
      expect(await opened.there.pruneIntroducedClients({ added: NOW, used: NOW }, 10)).toEqual({
        count: 1,
        more: false,
      });
      const left = [granted, coded, asking, added].map(({ clientId }) => clientId);
      expect((await idsOf(here)).toSorted()).toEqual(left.toSorted());
      expect(await here.listConsents(subject)).toEqual([]);
    });
  });
}

async function giveGrant(store: Store, { clientId }: { clientId: string }): Promise<void> {
  const grant = aGrant({ clientId });
  await store.addGrant(grant, { hash: grant.sid, sequence: Number.MAX_SAFE_INTEGER }, aRecord());
}

async function giveCode(
  store: Store,
  { clientId }: { clientId: string },
  { consents = [], subject }: { consents?: ReturnType<typeof aConsent>[]; subject?: string } = {},
): Promise<string> {
  const signIn = aSignIn(subject === undefined ? {} : { subject });
  await store.addSignIn(signIn, Number.MAX_SAFE_INTEGER, aRecord());
  await store.addCode(aCode(signIn, { clientId }), { ...FREE, consents, agrees: true }, aRecord());
  return signIn.subject;
}

import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import type { ChangeRecord } from "../../src/store/audit.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import {
  aClient,
  aCode,
  aConsent,
  aDeviceRequest,
  aRecord,
  aRedemption,
  aRequest,
  aSignIn,
  FREE,
  unique,
} from "./samples.ts";

type Change = (store: Store, record: ChangeRecord) => Promise<unknown>;

export function describePeopleChanges(open: Open): void {
  describe("a change for the sign-in of people and its record", () => {
    it("are written both or neither: a record that cannot be written rolls back its change", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { changes, unnumbered, contentOf } = await furnish(here);
      const record = aRecord();
      await here.appendAudit([record]);
      const before = await contentOf(here);
      for (const [name, apply] of Object.entries({ ...changes, ...unnumbered })) {
        // The id exists: the record is refused after the change.
        await expect(apply(here, record), name).rejects.toMatchObject(new MintmarkError("internal_error"));
        expect(await contentOf(there), name).toEqual(before);
      }
      for (const [name, apply] of Object.entries({ ...changes, ...unnumbered })) {
        const { id } = aRecord();
        await apply(here, aRecord({ id }));
        expect(await there.listAudit({ limit: 1 }), name).toMatchObject([{ id }]);
      }
      expect(await contentOf(here)).toEqual(await contentOf(there));
      const content = await contentOf(here);
      expect(await contentOf(await opened.reopen())).toEqual(content);
    });

    it("are refused if the client that makes a numbered change was removed before the change got its lock", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { changes, contentOf } = await furnish(here);
      const { clientId, ...client } = aClient();
      await here.addClient({ clientId, ...client }, aRecord());
      await there.removeClient(clientId, aRecord());
      const before = await contentOf(here);
      for (const [name, apply] of Object.entries(changes)) {
        const by = { ...aRecord({ clientId }), credential: client.secrets[0]?.hash };
        await expect(apply(here, by), name).rejects.toMatchObject({ reason: "invalid_client" });
        expect(await contentOf(there), name).toEqual(before);
      }
    });
  });
}

/** Fills a store; returns every change, in sequence: those with a sequence number, and those without. */
async function furnish(store: Store) {
  const [signIn, newcomer] = [aSignIn(), aSignIn()];
  await store.addSignIn(signIn, 0, aRecord());
  const of = { subject: signIn.subject, clientId: unique("client-") };
  const withdrawn = { ...of, clientId: unique("client-") };
  const [code, redeemed, ended] = [aCode(signIn, of), aCode(signIn, withdrawn), aCode(signIn)];
  for (const one of [redeemed, ended])
    await store.addCode(one, { ...FREE, consents: [aConsent(withdrawn)], agrees: true }, aRecord());
  const [answered, request, removed] = [aRequest(), aRequest(), aRequest()];
  for (const one of [answered, request, removed]) await store.addAuthorizationRequest(one);
  const [device, denied] = [aDeviceRequest(), aDeviceRequest()];
  await store.addDeviceRequest(denied, aRecord());

  const { sequence } = FREE;
  const codeChange = { sequence, consents: [aConsent(of)], agrees: true, handle: answered.handle };
  const redemption = aRedemption(redeemed, { notify: true });
  const person = { subject: "ada", claims: {}, profile: {}, authTime: NOW };
  const changes: Record<string, Change> = {
    addSignIn: (store, record) => store.addSignIn(newcomer, sequence, record),
    renewSignIn: (store, record) => store.renewSignIn(signIn.sid, { ...aSignIn(), sequence }, record),
    addCode: (store, record) => store.addCode(code, codeChange, record),
    redeemCode: (store, record) => store.redeemCode(redeemed.hash, redemption, record),
    removeConsents: (store, record) => store.removeConsents(withdrawn, record),
  };
  const unnumbered: Record<string, Change> = {
    setPerson: (store, record) => store.setPerson(request.handle, { person, handle: request.handle }, record),
    removeAuthorizationRequest: (store, record) => store.removeAuthorizationRequest(removed.handle, record),
    endCode: (store, record) => store.endCode(ended.hash, record),
    addDeviceRequest: (store, record) => store.addDeviceRequest(device, record),
    denyDeviceRequest: (store, record) => store.denyDeviceRequest(denied.hash, record),
  };
  const each = <Item, Found>(items: Item[], find: (item: Item) => Promise<Found>) => Promise.all(items.map(find));
  const contentOf = async (store: Omit<Store, "shared" | "watch">) => ({
    signIns: await each([signIn, newcomer], ({ sid }) => store.findSignInBySid(sid)),
    codes: await each([code, redeemed, ended], ({ hash }) => store.findCode(hash)),
    requests: await each([answered, request, removed], ({ handle }) => store.findAuthorizationRequest(handle)),
    devices: await each([device, denied], (one) => store.findDeviceRequest(one)),
    grant: await store.findGrantBySid(redemption.grant.sid),
    consents: await each([of, withdrawn], (one) => store.findConsents(one)),
    audit: await store.listAudit({ limit: 100 }),
    sequence: (await store.position()).sequence,
  });
  return { changes, unnumbered, contentOf };
}

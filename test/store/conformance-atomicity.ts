import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import type { ChangeRecord } from "../../src/store/audit.ts";
import { type Client, type ClientFields, keyCredentialOf } from "../../src/store/client.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aGrant, aKey, aRecord, aResource, aSecret } from "./samples.ts";

const everything = { limit: 1000 };
const WITH_KEY = { authMethod: "private_key_jwt", jwks: { keys: [{ kty: "OKP", x: "one" }] }, secrets: [] } as const;
const fault = new MintmarkError("internal_error");

export function describeAtomicity(open: Open): void {
  describe("a change and its record", () => {
    it("are written both or neither: a record that cannot be written rolls back its change", async () => {
      await using opened = await open();
      const { here } = opened;
      const { changes, record } = await furnish(here);
      const before = await contentOf(here);
      for (const [name, apply] of Object.entries(changes)) {
        // The id exists: the record is refused after the change.
        await expect(apply(record), name).rejects.toMatchObject(fault);
        expect(await contentOf(here), name).toEqual(before);
        expect(await contentOf(opened.there), name).toEqual(before);
      }
      for (const [name, apply] of Object.entries(changes)) {
        await apply(aRecord());
        expect(await here.listAudit({ limit: 1 }), name).not.toEqual(before.audit.slice(0, 1));
      }
    });

    it("are written both or neither: a failed change leaves no record", async () => {
      await using opened = await open();
      const { here } = opened;
      const { keys } = await furnish(here);
      const before = await contentOf(here);
      const duplicate = { ...keys[0], follows: keys[1].kid };
      await expect(here.addKey(duplicate, aRecord())).rejects.toMatchObject(fault);
      const kill = { now: keys[1].activatesAt, replacement: duplicate };
      await expect(here.revokeKey(keys[1].kid, kill, aRecord())).rejects.toMatchObject(fault);
      expect(await contentOf(here)).toEqual(before);
    });

    it("are refused if the client was removed, or its secret or keys replaced, before the change got its lock", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { changes } = await furnish(here);
      const [client, other, rotated] = [aClient(), aClient(), aClient()];
      const [keyed, renamed] = [aClient(WITH_KEY), aClient(WITH_KEY)];
      const by = (caller: Client) => {
        const credential = caller.secrets[0]?.hash ?? keyCredentialOf(caller);
        return { ...aRecord({ clientId: caller.clientId }), credential };
      };
      const change = ({ clientId, ...from }: Client, to: Partial<ClientFields>) =>
        there.updateClient(clientId, { from, to: { ...from, ...to } }, aRecord());
      for (const one of [client, other, rotated, keyed, renamed]) await here.addClient(one, aRecord());
      await there.removeClient(client.clientId, aRecord());
      await there.replaceSecrets(rotated.clientId, { from: rotated.secrets, to: [aSecret()] }, aRecord());
      await change(keyed, { jwks: { keys: [{ kty: "OKP", x: "other" }] } });
      await change(renamed, { name: "other" });
      const before = await contentOf(here);
      for (const [name, apply] of Object.entries(changes)) {
        for (const ended of [client, rotated, keyed])
          await expect(apply(by(ended)), name).rejects.toMatchObject({ reason: "invalid_client" });
        expect(await contentOf(there), name).toEqual(before);
        await apply(by(other));
        expect(await here.listAudit({ limit: 1 }), name).toMatchObject([{ clientId: other.clientId }]);
        Object.assign(before, await contentOf(here));
      }
      expect(await here.addClient(aClient(), by(renamed))).toBe("added");
    });

    it("are refused if rights that the authorisation depends on have changed before the change got its lock", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { changes } = await furnish(here);
      const [changed, same] = [aClient(), aClient()];
      const by = ({ clientId, secrets: [secret], ...rights }: Client) => ({
        ...aRecord({ clientId }),
        credential: secret?.hash,
        rights,
      });
      const on = ({ clientId, ...rights }: Client) => ({ ...aRecord(), managed: { clientId, rights } });
      for (const one of [changed, same]) await here.addClient(one, aRecord());
      const to = { ...changed, scopes: ["read"] };
      expect(await there.updateClient(changed.clientId, { from: changed, to }, aRecord())).toBe("updated");
      const before = await contentOf(here);
      for (const [name, apply] of Object.entries(changes)) {
        for (const record of [by(changed), on(changed)])
          await expect(apply(record), name).rejects.toMatchObject({ reason: "conflict" });
        expect(await contentOf(there), name).toEqual(before);
        await apply({ ...by(same), ...on(same), clientId: same.clientId });
        const [record] = await here.listAudit({ limit: 1 });
        expect(record, name).toMatchObject({ clientId: same.clientId });
        for (const hidden of ["credential", "rights", "managed"]) expect(record, name).not.toHaveProperty(hidden);
        Object.assign(before, await contentOf(here));
      }
    });

    it("are durable and visible to every process when their promise has resolved", async () => {
      await using opened = await open();
      const { changes } = await furnish(opened.here);
      for (const apply of Object.values(changes)) {
        await apply(aRecord());
        expect(await contentOf(opened.there)).toEqual(await contentOf(opened.here));
      }
      const content = await contentOf(opened.here);
      expect(await contentOf(await opened.reopen())).toEqual(content);
    });
  });
}

/** The contents of a store, in any order of the keys. */
async function contentOf(store: Pick<Store, "listKeys" | "listClients" | "listResources" | "listAudit" | "position">) {
  const keys = await store.listKeys();
  return {
    keys: keys.toSorted((a, b) => (a.kid < b.kid ? -1 : 1)),
    clients: await store.listClients(),
    resources: await store.listResources(),
    audit: await store.listAudit(everything),
    sequence: (await store.position()).sequence,
  };
}

/** Fills a store with keys, clients and a record; returns every possible change, in sequence. */
async function furnish(store: Store) {
  const record = aRecord();
  await store.appendAudit([record]);
  const first = await aKey();
  const keys = [first, await aKey({ follows: first.kid, activatesAt: NOW + 660 })] as const;
  for (const key of keys) await store.addKey(key, aRecord());
  const client = aClient();
  await store.addClient(client, aRecord());
  const next = await aKey({ follows: keys[1].kid, activatesAt: NOW + 1320 });
  const secrets = { from: client.secrets, to: [aSecret()] };
  const sooner = { ...next, follows: keys[0].kid, activatesAt: NOW };
  const newcomer = aClient();
  const [resource, other] = [aResource(), aResource()];
  await store.addResource(other, aRecord());
  const grant = aGrant();
  const changes: Record<string, (record: ChangeRecord) => Promise<unknown>> = {
    changeSettings: (record) => store.changeSettings({ issuer: "https://a.example" }, { record, isInitial: false }),
    revoke: (record) => store.revoke({ kind: "subject", id: "ada" }, record),
    addGrant: (record) => store.addGrant(grant, { hash: "hash", sequence: Number.MAX_SAFE_INTEGER }, record),
    addKey: (record) => store.addKey(next, record),
    "addKey, activating": (record) => store.addKey(sooner, record),
    rewrapKeys: (record) =>
      store.rewrapKeys(
        keys.map(({ kid }) => ({ kid, privateJwk: "wrapped" })),
        record,
      ),
    revokeKey: (record) => store.revokeKey(keys[0].kid, { now: NOW, replacement: sooner }, record),
    addClient: (record) => store.addClient(newcomer, record),
    replaceSecrets: (record) => store.replaceSecrets(client.clientId, secrets, record),
    updateClient: (record) =>
      store.updateClient(client.clientId, { from: client, to: aClient({ permissions: [] }) }, record),
    removeClient: (record) => store.removeClient(client.clientId, record),
    addResource: (record) => store.addResource(resource, record),
    removeResource: (record) => store.removeResource(other.audience, record),
  };
  return { record, keys, changes };
}

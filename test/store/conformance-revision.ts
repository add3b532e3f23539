import { describe, expect, it, vi } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aKey, aRecord, aResource, aSecret, records } from "./samples.ts";

/** Longest time until another process's change is noticed, in milliseconds, on a busy machine. */
const SOON = { timeout: 10_000, interval: 20 };

export function describeRevision(open: Open): void {
  describe("position", () => {
    it("increases with every change of keys, clients or resources, and is the same in both processes", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [first, spare, client, resource] = [await aKey(), await aKey(), aClient(), aResource()];
      const second = await aKey({ follows: first.kid });
      const change = { from: client.secrets, to: [aSecret()] };
      const changes = [
        () => here.addKey(first, aRecord()),
        () => there.addKey(second, aRecord()),
        () => here.revokeKey(first.kid, { now: NOW, replacement: spare }, aRecord()),
        () => there.rewrapKeys([second], aRecord()),
        () => here.addClient(client, aRecord()),
        () => there.replaceSecrets(client.clientId, change, aRecord()),
        () => here.updateClient(client.clientId, { from: client, to: aClient() }, aRecord()),
        () => here.removeClient(client.clientId, aRecord()),
        () => there.addResource(resource, aRecord()),
        () => here.removeResource(resource.audience, aRecord()),
      ];
      let known = await sequenceIn(here);
      for (const apply of changes) {
        await apply();
        const current = await sequenceIn(there);
        expect(current, apply.toString()).toBeGreaterThan(known);
        expect(await sequenceIn(here)).toBe(current);
        known = current;
      }
    });

    it("is higher than all sequence numbers of an earlier copy", async () => {
      await using opened = await open();
      const before = Date.now();
      await opened.here.addClient(aClient(), aRecord());
      expect(await sequenceIn(opened.there)).toBeGreaterThanOrEqual(before);
    });

    it("is unchanged by reads and by the audit log", async () => {
      await using opened = await open();
      const { here } = opened;
      const known = await sequenceIn(here);
      await here.appendAudit(records(3));
      await here.pruneAudit(NOW + 1, 1000);
      await Promise.all([here.listKeys(), here.listClients(), here.findClient("a"), here.listAudit({ limit: 1 })]);
      expect(await sequenceIn(here)).toBe(known);
    });

    it("counts each of concurrent changes", async () => {
      await using opened = await open();
      const known = await sequenceIn(opened.here);
      const clients = Array.from({ length: 30 }, () => aClient());
      await Promise.all(clients.map((each, at) => (at % 2 ? opened.here : opened.there).addClient(each, aRecord())));
      expect(await sequenceIn(opened.there)).toBeGreaterThanOrEqual(known + clients.length);
      expect(await opened.here.listClients()).toHaveLength(clients.length);
    });
  });

  describe("position, of keys", () => {
    it("changes with every change of a key, and with no other", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const keysSequence = async () => (await there.position()).keysSequence;
      await here.addKey(await aKey(), aRecord());
      const known = await keysSequence();
      await here.addClient(aClient(), aRecord());
      await here.revoke({ kind: "token", id: "jti", until: NOW }, aRecord());
      expect(await keysSequence()).toBe(known);
      await here.rewrapKeys(await here.listKeys(), aRecord());
      expect(await keysSequence()).toBe(await sequenceIn(here));
    });

    it("is of the same history in both processes", async () => {
      await using opened = await open();
      const { epoch } = await opened.here.position();
      expect((await opened.there.position()).epoch).toBe(epoch);
      expect(epoch).toMatch(/^[\w.-]{36,200}$/);
    });
  });

  describe("watch", () => {
    it("calls back soon after another process's change", async () => {
      await using opened = await open();
      let seen = 0;
      const end = opened.here.watch(async () => {
        seen = await sequenceIn(opened.here);
      });
      for (const _ of [1, 2]) {
        await opened.there.addClient(aClient(), aRecord());
        const sequence = await sequenceIn(opened.there);
        await vi.waitFor(() => expect(seen).toBe(sequence), SOON);
      }
      end();
    });

    it("does not call back after its end, while another watch continues", async () => {
      await using opened = await open();
      const calls = { ended: 0, going: 0 };
      const ends = (["ended", "going"] as const).map((name) =>
        opened.here.watch(() => {
          calls[name] += 1;
        }),
      );
      await vi.waitFor(() => expect(Math.min(calls.ended, calls.going)).toBeGreaterThan(0), SOON);
      ends[0]?.();
      const before = { ...calls };
      await opened.there.addClient(aClient(), aRecord());
      await vi.waitFor(() => expect(calls.going).toBeGreaterThan(before.going), SOON);
      expect(calls.ended).toBe(before.ended);
      ends[1]?.();
    });
  });
}

async function sequenceIn(store: Pick<Store, "position">): Promise<number> {
  return (await store.position()).sequence;
}

import { describe, expect, it, vi } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aKey, aRecord, aSecret, records } from "./samples.ts";

/** Longest time until another process's change is noticed, in milliseconds, on a busy machine. */
const SOON = { timeout: 10_000, interval: 20 };

export function describeRevision(open: Open): void {
  describe("revision", () => {
    it("grows with every change of keys or clients, and is the same in both processes", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [first, spare, client] = [await aKey(), await aKey(), aClient()];
      const second = await aKey({ follows: first.kid });
      const change = { from: client.secrets, to: [aSecret()] };
      const changes = [
        () => here.addKey(first, aRecord()),
        () => there.addKey(second, aRecord()),
        () => here.killKey(first.kid, { now: NOW, replacement: spare }, aRecord()),
        () => there.resealKeys([second], aRecord()),
        () => here.addClient(client, aRecord()),
        () => there.replaceSecrets(client.clientId, change, aRecord()),
        () => here.removeClient(client.clientId, aRecord()),
      ];
      let known = await here.revision();
      for (const apply of changes) {
        await apply();
        const current = await there.revision();
        expect(current, apply.toString()).toBeGreaterThan(known);
        expect(await here.revision()).toBe(current);
        known = current;
      }
    });

    it("stays as it is while one reads and writes the audit log", async () => {
      await using opened = await open();
      const { here } = opened;
      const known = await here.revision();
      await here.appendAudit(records(3));
      await here.pruneAudit(NOW + 1);
      await Promise.all([here.listKeys(), here.listClients(), here.findClient("a"), here.listAudit({ limit: 1 })]);
      expect(await here.revision()).toBe(known);
    });

    it("counts each of the changes that two processes make at once", async () => {
      await using opened = await open();
      const known = await opened.here.revision();
      const clients = Array.from({ length: 30 }, () => aClient());
      await Promise.all(clients.map((each, at) => (at % 2 ? opened.here : opened.there).addClient(each, aRecord())));
      expect(await opened.there.revision()).toBe(known + clients.length);
      expect(await opened.here.listClients()).toHaveLength(clients.length);
    });
  });

  describe("watch", () => {
    it("calls back soon after another process's change, and again after the next", async () => {
      await using opened = await open();
      let calls = 0;
      const end = opened.here.watch(() => {
        calls += 1;
      });
      for (const _ of [1, 2]) {
        const before = calls;
        await opened.there.addClient(aClient(), aRecord());
        await vi.waitFor(() => expect(calls).toBeGreaterThan(before), SOON);
      }
      end();
    });

    it("calls back no more once it was ended, while another watch goes on", async () => {
      await using opened = await open();
      const calls = { ended: 0, going: 0 };
      const ends = (["ended", "going"] as const).map((name) =>
        opened.here.watch(() => {
          calls[name] += 1;
        }),
      );
      await opened.there.addClient(aClient(), aRecord());
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

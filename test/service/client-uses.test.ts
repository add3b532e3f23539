import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { addClient } from "../support/clients.ts";
import { NOW, openService } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";

/** A service with one client, and the times of its use that are stored. */
async function openWithUses(fault: { isOn: boolean } = { isOn: false }) {
  let writes = 0;
  const opened = await openSharedService({
    wrap: (store) => ({
      ...store,
      async recordUses(uses) {
        if (fault.isOn) throw new Error("a fault");
        writes += uses.length;
        await store.recordUses(uses);
      },
    }),
  });
  const client = await addClient(opened.service, { permissions: ["follow_events"] });
  return {
    ...opened,
    client,
    use: () => opened.service.authenticate(client, ADDRESS),
    usedAt: async () => (await opened.service.clients.list(localCaller))[0]?.lastUsedAt,
    writes: () => writes,
  };
}

describe("the last use of a client", () => {
  it("is stored every minute, by one write for a client, and never by a call", async () => {
    await using opened = await openWithUses();
    expect(await opened.usedAt()).toBeUndefined();
    for (const seconds of [0, 10, 20]) {
      opened.clock.now = NOW + seconds;
      await opened.use();
    }
    expect(opened.writes()).toBe(0);
    await opened.service.maintenance();
    expect(await opened.usedAt()).toBe(NOW + 20);
    opened.clock.now = NOW + 79;
    await opened.use();
    await opened.service.maintenance();
    expect(opened.writes(), "within a minute of the stored use").toBe(1);
    opened.clock.now = NOW + 80;
    await opened.use();
    await opened.service.maintenance();
    expect([await opened.usedAt(), opened.writes()]).toEqual([NOW + 80, 2]);
  });

  it("is no failed authentication", async () => {
    await using opened = await openWithUses();
    const wrong = { clientId: opened.client.clientId, clientSecret: "wrong" };
    await expect(opened.service.authenticate(wrong, ADDRESS)).rejects.toThrow();
    await opened.service.maintenance();
    expect(await opened.usedAt()).toBeUndefined();
  });

  it("is written when the service closes, and after a write has failed", async () => {
    const fault = { isOn: true };
    await using opened = await openWithUses(fault);
    await using second = await opened.openSecond();
    await opened.use();
    await expect(opened.service.maintenance()).rejects.toThrow();
    expect((await opened.service.readiness()).failing).toEqual(["write_client_uses"]);
    fault.isOn = false;
    await opened.service.maintenance();
    expect(await opened.usedAt()).toBe(NOW);
    opened.clock.now = NOW + 100;
    await second.service.authenticate(opened.client, ADDRESS);
    await second.service.close();
    expect(await opened.usedAt()).toBe(NOW + 100);
  });

  it("is also the time while it follows the feed", async () => {
    await using opened = await openWithUses();
    const ending = new AbortController();
    const feed = opened.service.follow(await opened.use(), { signal: ending.signal });
    await feed.next();
    opened.clock.now = NOW + 600;
    const following = (async () => {
      for await (const _ of feed);
    })();
    await opened.service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    await opened.service.maintenance();
    expect(await opened.usedAt()).toBe(NOW + 600);
    ending.abort();
    await following;
  });
});

describe("audit.list", () => {
  it("has the current name of each client, and none of removed ones", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const clients = [await addClient(service, { name: "a" }), await addClient(service, { name: "b" })];
    for (const client of clients)
      await service.getToken(await service.authenticate(client, ADDRESS), { claims: {} }).catch(() => {});
    const [kept, removed] = clients.map(({ clientId }) => clientId);
    await service.clients.update(localCaller, { clientId: kept ?? "", name: "other" });
    await service.clients.remove(localCaller, removed ?? "");
    const { records } = await service.audit.list(localCaller, { action: "getToken", limit: 10 });
    expect(records.map(({ clientId, clientName }) => [clientId, clientName])).toEqual([
      [removed, undefined],
      [kept, "other"],
    ]);
    expect(records[0]).not.toHaveProperty("clientName");
  });
});

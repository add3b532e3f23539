import { describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { Store } from "../../src/store/store.ts";
import { newClient } from "../support/clients.ts";
import { describePostgres } from "../support/postgres.ts";
import { openService } from "../support/service.ts";
import { openTwoOnPostgres, openTwoOnSqlite, type TwoServices } from "../support/two-services.ts";

/** Servers poll once a second. */
const SOON = { timeout: 2000, interval: 10 };

const page = (origin: string): Partial<NewClient> => ({ authMethod: "none", redirectUris: [`${origin}/callback`] });
const add = ({ clients }: TokenService, fields: Partial<NewClient>) => clients.create(localCaller, newClient(fields));
const origins = async ({ publicOrigins }: TokenService) => [...(await publicOrigins())].toSorted();

describe("publicOrigins", () => {
  it("has the origins of the redirect URIs of public clients, and no others", async () => {
    await using opened = await openService();
    const { service } = opened;
    await add(service, { ...page("https://secret.example"), authMethod: "client_secret_basic" });
    await add(service, { ...page("https://other.example"), postLogoutRedirectUris: ["https://bye.example/"] });
    await add(service, page("https://spa.example:8443"));
    await add(service, {
      authMethod: "none",
      redirectUris: ["com.example.app:/callback", "http://127.0.0.1/callback", "http://localhost:3000/callback"],
    });
    await add(service, { authMethod: "none" });
    const expected = ["http://127.0.0.1", "http://localhost:3000", "https://other.example", "https://spa.example:8443"];
    expect(await origins(service)).toEqual(expected);
  });

  it("reads the clients once between two changes, however many pages call and clients are added", async () => {
    const reads = { count: 0 };
    const wrap = (store: Store): Store => ({
      ...store,
      listClients() {
        reads.count += 1;
        return store.listClients();
      },
    });
    await using opened = await openService({ wrap });
    const { service } = opened;
    await Promise.all(Array.from({ length: 100 }, () => service.publicOrigins()));
    for (let at = 0; at < 20; at += 1) {
      await add(service, {});
      await service.getToken(localCaller, { claims: {}, refreshable: true });
      await service.revokeAll(localCaller, { kind: "subject", id: "ada" });
      await service.publicOrigins();
    }
    expect(reads.count).toBe(1);
  });

  it("reads them again after a failure, and is unavailable until then", async () => {
    const database = { away: false };
    const wrap = (store: Store): Store => ({
      ...store,
      listClients: () => (database.away ? Promise.reject(new Error("away")) : store.listClients()),
    });
    await using opened = await openService({ wrap });
    const { service } = opened;
    await add(service, page("https://app.example"));
    database.away = true;
    await expect(service.publicOrigins()).rejects.toThrow();
    database.away = false;
    expect(await origins(service)).toEqual(["https://app.example"]);
  });
});

function describeChanges(open: () => Promise<TwoServices>): void {
  it("knows a client that is added, changed or removed by either server within a second", async () => {
    await using two = await open();
    const { here, there } = two;
    const isSoon = async (expected: string[]) => {
      for (const service of [here, there])
        await vi.waitFor(async () => expect(await origins(service)).toEqual(expected), SOON);
    };
    await isSoon([]);
    const { clientId } = await add(here, page("https://first.example"));
    await isSoon(["https://first.example"]);
    const { clientId: other } = await add(there, page("https://second.example"));
    await isSoon(["https://first.example", "https://second.example"]);
    await there.clients.update(localCaller, { clientId, redirectUris: ["https://third.example/"] });
    await isSoon(["https://second.example", "https://third.example"]);
    await here.clients.remove(localCaller, other);
    await isSoon(["https://third.example"]);
    await here.clients.update(localCaller, { clientId, redirectUris: [], grants: ["refresh_token"] });
    await isSoon([]);
  });
}

describe("publicOrigins of two servers on the embedded database", () => describeChanges(openTwoOnSqlite));
describePostgres("publicOrigins of two servers on PostgreSQL", () => describeChanges(openTwoOnPostgres));

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { startBadNetwork } from "../support/bad-network.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";

import { refusal } from "./every-verb.ts";
import { aClient, aRecord } from "./samples.ts";

/** Longest time that a verb may take, and longest that is waited for anything, in milliseconds. */
const ANSWERED = 2000;
const PATIENTLY = { timeout: 10_000, interval: 20 };

describePostgres("a store with a bad network between it and PostgreSQL", () => {
  let url: string;
  let store: Store;
  beforeAll(async () => {
    url = await sharedPostgres.newDatabase();
    store = await openPostgresStore(url);
  });
  afterAll(async () => {
    await store.close();
  });

  it("replaces all the connections that the network lost without a word, after one that was not answered", async () => {
    await using relayed = await openRelayed(url);
    // As many at once as there are connections, so that every one of them is made, lost and asked again.
    const askAll = () => Promise.all(Array.from({ length: 10 }, () => relayed.store.position()));
    await askAll();
    relayed.network.loseConnections();
    const { reason, took } = await refusal("position", () => relayed.store.position());
    expect(reason).toBe("unavailable");
    expect(took).toBeLessThan(ANSWERED);
    // Ten new connections at once can take a busy machine longer than one of them may take.
    await vi.waitFor(askAll, PATIENTLY);
  });

  it("lets others change what it was changing when the network lost it", async () => {
    await using relayed = await openRelayed(url);
    let made = 0;
    const change = async (): Promise<void> => {
      await relayed.store.addClient(aClient(), aRecord());
      made += 1;
      return change();
    };
    const changing = Array.from({ length: 10 }, () => refusal("addClient", change));
    await vi.waitFor(() => expect(made).toBeGreaterThan(30), PATIENTLY);
    relayed.network.loseConnections();
    const lost = performance.now();
    await vi.waitFor(() => store.addClient(aClient(), aRecord()), PATIENTLY);
    expect(performance.now() - lost).toBeLessThan(2 * ANSWERED);
    expect(new Set((await Promise.all(changing)).map(({ reason }) => reason))).toEqual(new Set(["unavailable"]));
  });

  it("outlives what is no PostgreSQL at all, on every connection", async () => {
    await using relayed = await openRelayed(url);
    const endWatch = relayed.store.watch(() => {});
    await Promise.all(Array.from({ length: 10 }, () => relayed.store.position()));
    const asking = refusal("position", () => relayed.store.position());
    // A row of 32,767 columns in two bytes: the driver reads on behind its end.
    relayed.network.intrude(Uint8Array.of(0x44, 0, 0, 0, 6, 0x7f, 0xff));
    expect((await asking).took).toBeLessThan(ANSWERED);
    await vi.waitFor(() => relayed.store.position(), PATIENTLY);
    endWatch();
  });

  it("answers a change within 2 s where each of its statements is slow, and not all of them can be waited for", async () => {
    await using relayed = await openRelayed(url);
    await relayed.store.position();
    relayed.network.slowDown(600);
    const { reason, took } = await refusal("addClient", () => relayed.store.addClient(aClient(), aRecord()));
    expect(reason).toBe("unavailable");
    expect(took).toBeLessThan(ANSWERED);
  });
});

/** Opens a store behind a network of its own. */
async function openRelayed(url: string) {
  const address = new URL(url);
  const network = await startBadNetwork(address);
  address.port = String(network.port);
  const store = await openPostgresStore(address.href);
  return {
    network,
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      network[Symbol.dispose]();
    },
  };
}

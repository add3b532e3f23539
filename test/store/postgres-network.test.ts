import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { startBadNetwork } from "../support/bad-network.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";

import { refusal } from "./every-verb.ts";
import { aClient, aRecord } from "./samples.ts";

/** Longest duration of a method, and longest wait, in milliseconds. */
const ANSWERED = 2000;
const WAIT = { timeout: 10_000, interval: 20 };

describePostgres("a store with a bad network between it and PostgreSQL", () => {
  let url: string;
  let store: Store;
  beforeAll(async () => {
    url = await sharedPostgres.newStoreDatabase();
    store = await openPostgresStore(url);
  });
  afterAll(async () => {
    await store.close();
  });

  it("replaces all silently lost connections after one without a response", async () => {
    await using relayed = await openRelayed(url);
    // As many calls as connections, so that each is opened, lost and used again.
    const askAll = () => Promise.all(Array.from({ length: 10 }, () => relayed.store.position()));
    await askAll();
    relayed.network.loseConnections();
    const { reason, took } = await refusal("position", () => relayed.store.position());
    expect(reason).toBe("unavailable");
    expect(took).toBeLessThan(ANSWERED);
    // Ten new connections may exceed their timeout on a busy machine.
    await vi.waitFor(askAll, WAIT);
  });

  it("releases its locks when the network has lost it", async () => {
    await using relayed = await openRelayed(url);
    let made = 0;
    const change = async (): Promise<void> => {
      await relayed.store.addClient(aClient(), aRecord());
      made += 1;
      return change();
    };
    const changing = Array.from({ length: 10 }, () => refusal("addClient", change));
    await vi.waitFor(() => expect(made).toBeGreaterThan(30), WAIT);
    relayed.network.loseConnections();
    const lost = performance.now();
    await vi.waitFor(() => store.addClient(aClient(), aRecord()), WAIT);
    expect(performance.now() - lost).toBeLessThan(2 * ANSWERED);
    expect(new Set((await Promise.all(changing)).map(({ reason }) => reason))).toEqual(new Set(["unavailable"]));
  });

  it("survives responses that are not PostgreSQL's, on every connection", async () => {
    await using relayed = await openRelayed(url);
    const endWatch = relayed.store.watch(() => {});
    await Promise.all(Array.from({ length: 10 }, () => relayed.store.position()));
    const asking = refusal("position", () => relayed.store.position());
    // A row of 32,767 columns in two bytes: the driver reads past its end.
    relayed.network.intrude(Uint8Array.of(0x44, 0, 0, 0, 6, 0x7f, 0xff));
    expect((await asking).took).toBeLessThan(ANSWERED);
    await vi.waitFor(() => relayed.store.position(), WAIT);
    endWatch();
  });

  it("refuses a change within 2 s if each of its statements is slow", async () => {
    await using relayed = await openRelayed(url);
    await relayed.store.position();
    relayed.network.slowDown(600);
    const { reason, took } = await refusal("addClient", () => relayed.store.addClient(aClient(), aRecord()));
    expect(reason).toBe("unavailable");
    expect(took).toBeLessThan(ANSWERED);
  });
});

/** Opens a store behind its own relay. */
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

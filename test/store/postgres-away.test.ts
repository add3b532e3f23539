import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openPostgres, openPostgresStore } from "../../src/store/postgres/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { startElsewhere } from "../support/stores-elsewhere.ts";
import { everyVerb, refusal } from "./every-verb.ts";
import { aClient, aRecord } from "./samples.ts";

/** Longest duration of a method, and longest time to recover, in milliseconds. */
const ANSWERED = 2000;
const HEALED = { timeout: 10_000, interval: 20 };

describePostgres("a store whose PostgreSQL is away", () => {
  let postgres: Postgres;
  let url: string;
  let store: Store;
  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.newDatabase();
    store = await openPostgresStore(url);
  });
  afterAll(async () => {
    await store.close();
    await postgres[Symbol.asyncDispose]();
  });

  const away = {
    stopped: { leave: () => postgres.stop("fast"), comeBack: () => postgres.start() },
    killed: { leave: () => postgres.kill(), comeBack: () => postgres.start() },
    paused: { leave: async () => postgres.pause(), comeBack: async () => postgres.resume() },
  };
  const ways = Object.entries(away);
  const listeners = () => postgres.query("select pid from pg_stat_activity where query = 'listen mintmark'");

  it.each(ways)("(%s) refuses every method as unavailable within 2 s, and recovers", async (_, way) => {
    await store.position();
    await way.leave();
    for (const _round of [1, 2]) {
      const calls = Object.entries(await everyVerb(store)).map(([verb, call]) => refusal(verb, call));
      for (const { verb, reason, took } of await Promise.all(calls)) {
        expect({ verb, reason }).toEqual({ verb, reason: "unavailable" });
        expect(took, verb).toBeLessThan(ANSWERED);
      }
    }
    await way.comeBack();
    await healed(store);
    for (const [verb, call] of Object.entries(await everyVerb(store)))
      await expect(call(), verb).resolves.not.toThrow();
  });

  it.each(ways)(
    "(%s in the midst of changes) answers each within 2 s, keeps what it acknowledged, heals",
    async (_, way) => {
      const acknowledged: string[] = [];
      const change = async (): Promise<void> => {
        const client = aClient();
        await store.addClient(client, aRecord({ target: client.clientId }));
        acknowledged.push(client.clientId);
        return change();
      };
      const changing = Array.from({ length: 15 }, () => refusal("addClient", change));
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(30), HEALED);
      const left = performance.now();
      await way.leave();
      const refusals = await Promise.all(changing);
      const took = performance.now() - left;
      expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(["unavailable"]));
      await way.comeBack();
      await healed(store);
      await Promise.all(Array.from({ length: 20 }, () => store.addClient(aClient(), aRecord())));
      const clients = new Set((await store.listClients()).map(({ clientId }) => clientId));
      const recorded = new Set((await store.listAudit({ limit: 100_000 })).map(({ target }) => target));
      expect(acknowledged.filter((id) => !clients.has(id) || !recorded.has(id))).toEqual([]);
      expect(took).toBeLessThan(ANSWERED);
    },
  );

  it("has another epoch than a copy and a restored dump, and the same after a restart", async () => {
    const epoch = async (at = store) => (await at.position()).epoch;
    const first = await epoch();
    expect(await epoch()).toBe(first);
    await store.close();
    const address = new URL(url);
    await postgres.query(`create database copied template ${address.pathname.slice(1)}`);
    store = await openPostgresStore(url);
    address.pathname = "/copied";
    const copied = await openPostgresStore(address.href);
    const copy = await epoch(copied);
    expect(copy).not.toBe(first);
    // As by `pg_restore --clean`: the same rows in another table of the same name.
    const restore = "create table dump as table state; drop table state; create table state as table dump";
    await postgres.query(restore, address.href);
    expect(await epoch(copied)).not.toBe(copy);
    await copied.close();
    await postgres.stop("fast");
    await postgres.start();
    await healed(store);
    expect(await epoch()).toBe(first);
  });

  it("listens again after its connections were cut, and its methods work at once", async () => {
    const other = await openPostgresStore(url);
    let calls = 0;
    const end = store.watch(() => {
      calls += 1;
    });
    await vi.waitFor(async () => expect(await listeners()).toHaveLength(1), HEALED);
    const [before] = await listeners();
    await postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where datname like 'test%'");
    await vi.waitFor(
      async () => expect(await listeners()).toEqual([expect.not.objectContaining(before ?? {})]),
      HEALED,
    );
    const known = calls;
    await other.addClient(aClient(), aRecord());
    await vi.waitFor(() => expect(calls).toBeGreaterThan(known), HEALED);
    end();
    await other.close();
  });

  it("refuses changes within 2 s while another holds their lock, and applies the next at once", async () => {
    const other = await openPostgres(url, { limit: 10_000 });
    const change = () => store.addClient(aClient(), aRecord());
    await other.db.transaction().execute(async (transaction) => {
      await transaction.selectFrom("state").selectAll().forUpdate().execute();
      const refusals = await Promise.all(Array.from({ length: 10 }, () => refusal("addClient", change)));
      expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(["unavailable"]));
      expect(Math.max(...refusals.map(({ took }) => took))).toBeLessThan(ANSWERED);
    });
    for (const outcome of await Promise.all(Array.from({ length: 10 }, change))) expect(outcome).toBe("added");
    await other.close();
  });

  it.each(["there", "paused"])(
    "ends all work by close(), and the process can end, while PostgreSQL is %s",
    async (state) => {
      await using elsewhere = startElsewhere();
      const there = await elsewhere.open({ url });
      await there.watch();
      await there.addClient(aClient(), aRecord());
      if (state === "paused") postgres.pause();
      try {
        await within(5000, there.close());
        if (state === "there") await vi.waitFor(async () => expect(await listeners()).toEqual([]), HEALED);
        await within(5000, elsewhere.leave());
      } finally {
        postgres.resume();
      }
    },
  );
});

async function healed(store: Store): Promise<void> {
  await vi.waitFor(() => store.addClient(aClient(), aRecord()), HEALED);
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms`)), milliseconds);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

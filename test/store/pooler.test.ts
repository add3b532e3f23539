import pg from "pg";
import { afterAll, expect, it, vi } from "vitest";
import { openPostgres, openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { describePgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { sharedPostgres } from "../support/postgres.ts";
import { describeStore } from "./conformance.ts";
import { createEmptier } from "./empty-postgres.ts";
import { everyVerb, refusal } from "./every-verb.ts";
import { aClient, aRecord } from "./samples.ts";

type Pooler = Awaited<ReturnType<typeof startPgbouncer>>;

/** Longest duration of a method, in milliseconds. */
const ANSWERED = 2000;
const WAIT = { timeout: 10_000, interval: 20 };

describePgbouncer("PgBouncer in transaction mode", () => {
  const { connect, empty, end } = createEmptier();
  let pooler: Pooler | undefined;
  afterAll(async () => {
    await end();
    await pooler?.[Symbol.asyncDispose]();
  });
  describeStore("a store behind it", {
    async address() {
      const url = await sharedPostgres.newDatabase();
      await connect(url);
      pooler ??= await startPgbouncer({ url, mode: "transaction" });
      return { url: Object.assign(new URL(url), { port: new URL(pooler.url).port }).href };
    },
    empty,
    brief: true,
  });
});

describePgbouncer("a store behind a pooler", () => {
  it("answers every method", async () => {
    const url = await sharedPostgres.newDatabase();
    await using pooler = await startPgbouncer({ url, mode: "transaction" });
    const store = await openPostgresStore(pooler.url);
    for (const [verb, call] of Object.entries(await everyVerb(store)))
      await expect(call(), verb).resolves.not.toBeInstanceOf(Error);
    await store.close();
  });

  it("leaves no settings, locks, channels or statements in shared sessions", async () => {
    const url = await sharedPostgres.newDatabase();
    // One session for all: it is the one of the store.
    await using pooler = await startPgbouncer({ url, mode: "transaction", size: 2 });
    const before = await sessionsOf(url, pooler);
    const store = await openPostgresStore(`${pooler.url}?schema=elsewhere`);
    const end = store.watch(() => {});
    await Promise.all(Array.from({ length: 8 }, () => store.addClient(aClient(), aRecord())));
    await refusal("addKey", () => store.appendAudit([aRecord({ id: "twice" }), aRecord({ id: "twice" })]));
    await store.position();
    expect(await sessionsOf(url, pooler)).toEqual(before);
    end();
    await store.close();
    expect(await sessionsOf(url, pooler)).toEqual(before);
  });

  it("is unaffected by what others leave in its sessions", async () => {
    const url = await sharedPostgres.newStoreDatabase();
    await using pooler = await startPgbouncer({ url, mode: "transaction", size: 1 });
    const store = await openPostgresStore(pooler.url);
    await store.addClient(aClient(), aRecord());
    const leave =
      "create schema astray; create table astray.clients (); set search_path = astray; set statement_timeout = 50";
    await sharedPostgres.query(leave, pooler.url);
    // The next call waits for longer than what was left allows.
    const holdTable = sharedPostgres.query("begin; lock table public.clients; select pg_sleep(0.3); commit", url);
    const held = "select 1 from pg_locks where relation = 'public.clients'::regclass and granted";
    await vi.waitFor(async () => expect(await sharedPostgres.query(held, url)).toHaveLength(1), WAIT);
    expect(await store.listClients()).toHaveLength(1);
    await holdTable;
    expect(await store.addClient(aClient(), aRecord())).toBe("added");
    await store.close();
    const again = await openPostgresStore(pooler.url);
    expect(await again.listClients()).toHaveLength(2);
    await again.close();
  });

  it("reads changes of others within 1 s in transaction mode, with one notice", async () => {
    const url = await sharedPostgres.newStoreDatabase();
    await using pooler = await startPgbouncer({ url, mode: "transaction" });
    const onNotice = vi.fn();
    const [store, other] = [await openPostgresStore(pooler.url, { onNotice }), await openPostgresStore(url)];
    const onChange = vi.fn();
    const end = store.watch(onChange);
    await vi.waitFor(() => expect(onNotice).toHaveBeenCalledTimes(1), WAIT);
    expect(onNotice.mock.calls[0]).toEqual([
      expect.stringMatching(/^[^\n]* pooler in transaction mode, [^\n]+ within 1 s/),
    ]);
    const known = onChange.mock.calls.length;
    await other.addClient(aClient(), aRecord());
    await vi.waitFor(() => expect(onChange.mock.calls.length).toBeGreaterThan(known), WAIT);
    expect(onNotice).toHaveBeenCalledTimes(1);
    end();
    await store.close();
    await other.close();
  });

  it("is notified of changes of others at once in session mode", async () => {
    const url = await sharedPostgres.newStoreDatabase();
    await using pooler = await startPgbouncer({ url, mode: "session" });
    const onNotice = vi.fn();
    const [store, other] = [await openPostgresStore(pooler.url, { onNotice }), await openPostgresStore(url)];
    const times: number[] = [];
    const end = store.watch(() => times.push(performance.now()));
    const listeners = "select 1 from pg_stat_activity where query = 'listen mintmark'";
    await vi.waitFor(async () => expect(await sharedPostgres.query(listeners, url)).toHaveLength(1), WAIT);
    for (let change = 0; change < 3; change += 1) {
      const made = performance.now();
      await other.addClient(aClient(), aRecord());
      await vi.waitFor(() => expect(times.at(-1)).toBeGreaterThan(made), { timeout: 500, interval: 5 });
    }
    expect(onNotice).not.toHaveBeenCalled();
    end();
    await store.close();
    await other.close();
  });

  it("is refused in one line in statement mode, which has no transactions", async () => {
    const url = await sharedPostgres.newDatabase();
    await using pooler = await startPgbouncer({ url, mode: "statement" });
    await expect(openPostgresStore(pooler.url)).rejects.toThrow(/^[^\n]*\(08P01\): [^\n]* transaction or session mode/);
  });

  it.each(["directly", "behind the pooler"])(
    "ends a single statement (%s) in time, at the server as well",
    async (way) => {
      const url = await sharedPostgres.newStoreDatabase();
      await using pooler = await startPgbouncer({ url, mode: "transaction" });
      const at = way === "directly" ? url : pooler.url;
      const store = await openPostgresStore(at);
      const other = await openPostgres(url, { limit: 10_000 });
      await store.position();
      await other.db.transaction().execute(async (transaction) => {
        await transaction.schema.alterTable("state").addColumn("locked", "integer").execute();
        const { reason, took } = await refusal("position", () => store.position());
        expect(reason).toBe("unavailable");
        expect(took).toBeLessThan(ANSWERED);
        const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        await vi.waitFor(async () => expect(await sharedPostgres.query(waiting, url)).toEqual([]), WAIT);
      });
      await vi.waitFor(() => store.position(), WAIT);
      await store.close();
      await other.close();
    },
  );
});

/** Without the settings that are reset for each transaction. */
const SETTINGS =
  "select name, setting from pg_settings where source = 'session' and name not like 'transaction_%' order by name";

/** The state of each session of the pooler, and the number of advisory locks. */
async function sessionsOf(url: string, { url: through }: Pooler) {
  const clients = [1, 2].map(() => new pg.Client({ connectionString: through }));
  const settings = await Promise.all(
    clients.map(async (client) => {
      await client.connect();
      await client.query("begin");
      const { rows } = await client.query(SETTINGS);
      const { rows: channels } = await client.query("select pg_listening_channels()");
      const { rows: statements } = await client.query("select name from pg_prepared_statements");
      return { rows, channels, statements };
    }),
  );
  for (const client of clients) await client.end();
  const locks = await sharedPostgres.query("select 1 from pg_locks where locktype = 'advisory'", url);
  return { settings, locks };
}

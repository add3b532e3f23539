import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { crowd } from "../support/crowd.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { NOW, temporaryFolder } from "../support/service.ts";
import { expiredRows, MIDDLE } from "./expired-rows.ts";
import { aClient, aCode, aRecord, aRedemption, aRequest, aRotation, aSignIn, FREE, unique } from "./samples.ts";

/** Two servers with one database. */
type Servers = { one: Store; other: Store; [Symbol.asyncDispose](): Promise<void> };

async function openServers(openStore: () => Promise<Store>): Promise<Servers> {
  const [one, other] = [await openStore(), await openStore()];
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one.close();
      await other.close();
    },
  };
}

function describeConcurrency(open: () => Promise<Servers>): void {
  it("redeem one code once, of 100 attempts", async () => {
    await using servers = await open();
    const { one, other } = servers;
    const signIn = aSignIn();
    const code = aCode(signIn);
    await one.addSignIn(signIn, 0, aRecord());
    await one.addCode(code, FREE, aRecord());
    const redemptions = Array.from({ length: 100 }, () => aRedemption(code, { notify: true }));
    const outcomes = await crowd(
      redemptions.map((redemption, at) => () => (at % 2 ? one : other).redeemCode(code.hash, redemption, aRecord())),
    );
    expect(outcomes.filter((outcome) => outcome === "redeemed")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "used")).toHaveLength(99);
    const [grant, ...others] = await one.findGrantIds(code);
    expect(redemptions[outcomes.indexOf("redeemed")]?.grant.sid).toBe(grant);
    expect(others).toEqual([]);
  }, 60_000);

  it("never wait for each other, whatever is added, redeemed, rotated, revoked, taken and pruned at once", async () => {
    await using servers = await open();
    const { one, other } = servers;
    const signIns = Array.from({ length: 4 }, (_, at) => aSignIn({ subject: `subject-${at % 2}` }));
    const clients = ["client-a", "client-b"];
    const flow = async (at: number) => {
      const store = at % 2 ? one : other;
      const signIn = signIns[at % 4] ?? expect.fail();
      const clientId = clients[(at >> 2) % 2] ?? expect.fail();
      const known = await store.findSignInBySid(signIn.sid);
      // Another flow may add it at the same time.
      if (known === undefined) await store.addSignIn(signIn, FREE.sequence, aRecord()).catch(() => {});
      const code = aCode(signIn, { clientId });
      const request = aRequest({ clientId });
      await store.addAuthorizationRequest(request);
      await store.addCode(code, { ...FREE, handle: request.handle }, aRecord());
      const redemption = aRedemption(code, { notify: true, refreshHash: code.hash });
      await store.redeemCode(code.hash, redemption, aRecord());
      await store.rotateRefreshToken(redemption.grant.sid, aRotation(code.hash), aRecord());
    };
    const disturb = async (at: number) => {
      const store = at % 2 ? other : one;
      const { sid, subject } = signIns[at % 4] ?? expect.fail();
      const clientId = clients[at % 2] ?? expect.fail();
      const disturbances = [
        () => store.revoke({ kind: "subject", id: subject }, aRecord()),
        () => store.revoke({ kind: "session", id: sid }, aRecord()),
        () => store.pruneSignInData(NOW + 61, 200),
        () => store.pruneRequests(NOW + 61, 200),
        () => store.pruneGrants(NOW + 100, 200),
        () => store.takeLogouts(NOW, { limit: 100, lease: 0 }),
        () => store.removeConsents({ subject, clientId }, aRecord()),
        () => store.revoke({ kind: "client", id: clientId }, aRecord()),
        () => store.finishLogout({ sid, clientId }),
      ];
      await disturbances[at % disturbances.length]?.();
    };
    await crowd(Array.from({ length: 200 }, (_, at) => () => (at % 2 ? flow(at >> 1) : disturb(at >> 1))));
  }, 60_000);
}

describe("two servers with one embedded database", () => {
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  describeConcurrency(() => {
    const path = join(folder.path, unique("data-"));
    return openServers(() => openSqliteStore(path, { shared: true }));
  });
});

describePostgres("two servers with one PostgreSQL database", () => {
  const open = (url: string) => openServers(() => openPostgresStore(url));
  describeConcurrency(async () => open(await sharedPostgres.newStoreDatabase()));

  it.each(expiredRows)("prune $table while those of a $by are deleted, without a deadlock", async (row) => {
    const url = await sharedPostgres.newStoreDatabase();
    await using servers = await open(url);
    const { one, other } = servers;
    const client = aClient();
    const of = { subject: "ada", clientId: client.clientId };
    await one.addClient(client, aRecord());
    await row.add(one, of);
    // Holds a row that both come to, each from another side.
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query("begin");
    await holder.query(`select 1 from ${row.table} where ${row.key} = $1 for update`, [MIDDLE]);
    const deleting = untilAvailable<unknown>(() =>
      row.by === "subject"
        ? other.revoke({ kind: "subject", id: of.subject }, aRecord())
        : other.removeClient(of.clientId, aRecord()),
    );
    await untilWaiting(holder, 1);
    const pruning = untilAvailable(() => row.prune(one));
    await Promise.race([pruning, untilWaiting(holder, 2)]);
    await holder.query("rollback");
    await Promise.all([deleting, pruning]);
    expect((await holder.query(`select 1 from ${row.table} where ${row.key} like 'id-%'`)).rows).toEqual([]);
    await holder.end();
  });
});

/** On a busy machine a statement may exceed its limit. A deadlock is another error. */
async function untilAvailable<Outcome>(work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if ((error as { reason?: string }).reason !== "unavailable") throw error;
    return untilAvailable(work);
  }
}

/** Resolves when so many connections wait for a row. Gives up after a second. */
async function untilWaiting(client: pg.Client, count: number): Promise<void> {
  const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  const end = performance.now() + 1000;
  while (performance.now() < end && (await client.query(waiting)).rows.length < count) await sleep(5);
}

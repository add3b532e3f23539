import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";

const SOON = { timeout: 20_000, interval: 5 };

describePostgres("the feed of one of two servers on one PostgreSQL", () => {
  let url: string;
  let here: TokenService;
  let there: TokenService;
  beforeAll(async () => {
    url = await sharedPostgres.newStoreDatabase();
    [here, there] = [await open(), await open()];
  });
  afterAll(async () => {
    await here.close();
    await there.close();
  });

  const open = async () => createTokenService({ store: await openPostgresStore(url), issuer: "http://tokens.example" });
  const revokeThere = (id: string) => there.revokeAll(localCaller, { kind: "subject", id });

  it("sends a revocation of the other within a second", async () => {
    await using feed = await follow(here);
    await revokeThere("ada");
    const start = performance.now();
    await vi.waitFor(() => expect(feed.ids).toContain("ada"), SOON);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("sends it also after the notification was lost with its connection", async () => {
    await using feed = await follow(here);
    await sharedPostgres.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen mintmark'",
      url,
    );
    await revokeThere("eve");
    await vi.waitFor(() => expect(feed.ids).toContain("eve"), SOON);
  });

  it("skips no late commit: later changes wait for it", async () => {
    await using feed = await follow(here);
    const late = new pg.Client({ connectionString: url });
    await late.connect();
    await late.query("begin");
    const { rows } = await late.query("update state set revision = revision + 1 returning revision");
    await late.query("insert into revocations values ('subject', 'late', $1, 4102444800)", [rows[0].revision]);
    const others = ["after-1", "after-2", "after-3"];
    const revoking = Promise.all(others.map(revokeThere));
    await sleep(300);
    expect(feed.ids).not.toContain("after-1");
    await late.query("commit");
    await late.end();
    await revoking;
    await vi.waitFor(() => expect(feed.ids).toEqual(expect.arrayContaining(["late", ...others])), SOON);
    expect(feed.ids[0]).toBe("late");
  });

  it("refuses a token once it has received the revocation of the other", async () => {
    const { token } = await here.getToken(localCaller, { claims: {}, subject: "bob" });
    await there.revokeToken(localCaller, token);
    await expect(there.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
    await vi.waitFor(
      () => expect(here.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" }),
      SOON,
    );
    const { token: next } = await here.getToken(localCaller, { claims: {}, subject: "bob" });
    await revokeThere("bob");
    const { token: after } = await here.getToken(localCaller, { claims: {}, subject: "bob" });
    await vi.waitFor(() => expect(here.verifyToken({ token: next })).rejects.toThrow(), SOON);
    for (const server of [here, there]) await expect(server.verifyToken({ token: after })).resolves.toBeDefined();
  });
});

/** The updates of a follower after its snapshot. */
async function follow(service: TokenService) {
  const ids: string[] = [];
  const ending = new AbortController();
  const feed = service.follow(localCaller, { signal: ending.signal });
  for (let isWhole = false; !isWhole; ) isWhole = !(await feed.next()).value?.update.more;
  const following = (async () => {
    for await (const { update } of feed) ids.push(...(update.revocations ?? []).map(({ id }) => id));
  })();
  return {
    ids,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await following;
    },
  };
}

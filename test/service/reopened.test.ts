import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { isLive, issue, openRepeatedly, type Service } from "../support/reopened.ts";
import { AFTERWARDS, BEFORE, begin, beginEach, DAY, HOUR } from "../support/reopened-table.ts";
import { NOW } from "../support/service.ts";
import { callerOf } from "../support/with-client.ts";

const afterwards = Object.entries(AFTERWARDS);

/** A closed store with a token for each ending, and one that stays. Tests copy it: to make one takes as long as the test. */
const begun = openRepeatedly();
const { unrevoked, endings } = await begun.by(BEFORE, async ({ service }) => {
  const unrevoked = (await begin(service, "eve")).token;
  return { unrevoked, endings: await beginEach(service) };
});
afterAll(() => begun[Symbol.dispose]());

/** Ends each token in its way. */
async function endEach(service: Service): Promise<void> {
  for (const { end, there } of endings) await end(service, there);
}

async function endEachAgain(service: Service): Promise<void> {
  for (const { end, there } of endings) await end(service, there).catch(() => {});
}

/** The tokens that are active: the names of their endings. */
async function activeOf(service: Service): Promise<string[]> {
  const tokens = [
    ...endings.map(({ name, there }) => ({ name, token: there.token })),
    { name: "none", token: unrevoked },
  ];
  const active: string[] = [];
  for (const { name, token } of tokens) if (await isLive(service, token)) active.push(name);
  return active;
}

const ended = openRepeatedly(begun.data);
beforeAll(() => ended.by(BEFORE, ({ service }) => endEach(service)));
afterAll(() => ended[Symbol.dispose]());

describe.each(afterwards)("when the store is opened %s,", (_, after) => {
  const { now = NOW } = after;
  let active: string[];
  let later: string[];
  beforeAll(async () => {
    using data = openRepeatedly(begun.data);
    await data.by(after, ({ service }) => endEach(service));
    active = await data.by(BEFORE, ({ service }) => activeOf(service));
    using pruned = openRepeatedly(ended.data);
    await pruned.by({ ...after, now: now + HOUR }, async ({ service, store }) => {
      await endEachAgain(service);
      await store.forgetRevocations(now + 6 * DAY, 1000);
    });
    later = await pruned.by({ ...BEFORE, now: NOW + 6 * DAY }, ({ service }) => activeOf(service));
  });

  it.each(endings)("$name holds for all verifiers", ({ name }) => expect(active).not.toContain(name));

  it.each(endings)("$name holds until the token expires, though the store is pruned", ({ name }) =>
    expect(later).not.toContain(name),
  );

  it("another token stays active", () => {
    expect(active).toContain("none");
    expect(later).toContain("none");
  });
});

it.each(endings)("$name holds for tokens issued between a backup and its restoration", async ({ end, there }) => {
  using data = openRepeatedly(begun.data);
  const restore = data.backUp();
  const token = await data.by(BEFORE, async ({ service }) => {
    // Many changes: the sequence numbers of the restored store are far behind.
    for (let change = 0; change < 5; change += 1) await begin(service);
    return (await service.refreshToken(there.caller, there)).token;
  });
  restore();
  // Sequence numbers are milliseconds, and there were more changes than milliseconds.
  await sleep(20);
  await data.by(BEFORE, async ({ service }) => end(service, { ...there, token }));
  await data.by(BEFORE, async ({ service }) => {
    expect(await isLive(service, token)).toBe(false);
    expect(await isLive(service, (await issue(service)).token)).toBe(true);
  });
});

describe("the backlog of a large installation", () => {
  const backlog = openRepeatedly(begun.data);
  const tokens: string[] = [];
  beforeAll(async () => {
    await backlog.by(BEFORE, async ({ service }) => {
      for (let count = 0; count < 3; count += 1) tokens.push((await begin(service)).token);
      await service.revokeToken(localCaller, tokens[0] ?? "");
    });
    // More than a page, all before the last.
    backlog.write(`
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 5100)
      insert into revocations select 'token', 'jti-' || n, revision + n, ${NOW + 7 * DAY} from numbers, state;
      update state set revision = revision + 5100`);
    await backlog.by(BEFORE, async ({ service }) => service.revokeToken(localCaller, tokens[1] ?? ""));
  });
  afterAll(() => backlog[Symbol.dispose]());

  it.each(afterwards)("is retained in full, when the store is opened %s", async (_, after) => {
    using data = openRepeatedly(backlog.data);
    await data.by(after, async ({ service }) => service.maintenance());
    await data.by(BEFORE, async ({ service }) => {
      const live = tokens.map((token) => isLive(service, token));
      expect(await Promise.all(live)).toEqual([false, false, true]);
    });
  });
});

describe("an unrevoked token", () => {
  it.each(afterwards)("stays valid for all verifiers, when the store is opened %s", async (_, after) => {
    using data = openRepeatedly(begun.data);
    await data.by(after, async ({ service }) => {
      await service.maintenance();
      await issue(service, { subject: "eve", claims: { role: "reader" } });
    });
    await data.by({ ...BEFORE, now: NOW + DAY }, async ({ service }) =>
      expect(await isLive(service, unrevoked)).toBe(true),
    );
  });

  it("is accepted by the service itself after its limit of lifetimes was lowered", async () => {
    using data = openRepeatedly();
    const { token } = await data.by(BEFORE, async ({ service }) => begin(service));
    await data.by({ maxTtl: 600, ttl: 300 }, async ({ service }) => {
      expect(await service.verifyToken({ token })).toMatchObject({ sub: "ada" });
      await expect(issue(service, { expiresIn: 601 })).rejects.toMatchObject({ reason: "invalid_request" });
    });
  });
});

describe("a refresh token", () => {
  const granted = openRepeatedly(begun.data);
  let caller: Awaited<ReturnType<typeof callerOf>>;
  let refreshToken = "";
  beforeAll(async () => {
    await granted.by(BEFORE, async ({ service }) => {
      caller = await callerOf(service, { audiences: [] });
      const request = { subject: "ada", claims: {}, expiresIn: 7 * DAY, refreshable: true };
      refreshToken = (await service.getToken(caller, request)).refreshToken ?? "";
    });
  });
  afterAll(() => granted[Symbol.dispose]());

  it.each(afterwards)(
    "returns a token within the current limits, or requires a new sign-in, opened %s",
    async (_, after) => {
      using data = openRepeatedly(granted.data);
      await data.by(after, async ({ service }) => {
        const refreshed = await service.refreshToken(caller, { refreshToken }).catch((error: unknown) => error);
        const { maxTtl = DAY } = after.guest ? BEFORE : after;
        if (after.claims !== undefined)
          expect(refreshed).toMatchObject({ reason: "invalid_refresh_token", issues: [] });
        else
          expect(refreshed).toMatchObject({ expiresIn: Math.min(7 * DAY, maxTtl), refreshToken: expect.any(String) });
      });
    },
  );

  it.each([-60, -15, 0, 15, 60])("that is retried by a clock %d s apart returns the same successor", async (apart) => {
    using data = openRepeatedly();
    const { caller, refreshToken, used } = await data.by(BEFORE, async ({ service }) => {
      const caller = await callerOf(service);
      const { refreshToken = "" } = await service.getToken(caller, { claims: {}, refreshable: true });
      const used = await service.refreshToken(caller, { refreshToken });
      return { caller, refreshToken, used };
    });
    data.write("update refresh_tokens set used_by = 'another server' where used_by is not null");
    await data.by({ ...BEFORE, now: NOW + apart }, async ({ service }) => {
      const again = await service.refreshToken(caller, { refreshToken });
      expect(again.refreshToken).toBe(used.refreshToken);
    });
  });
});

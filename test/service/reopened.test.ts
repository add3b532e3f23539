import { setTimeout as sleep } from "node:timers/promises";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { isLive, issue, type Opening, openRepeatedly } from "../support/reopened.ts";
import { AFTERWARDS, BEFORE, begin, DAY, ENDINGS, HOUR } from "../support/reopened-table.ts";
import { NOW } from "../support/service.ts";
import { callerOf } from "../support/with-client.ts";

const afterwards = Object.entries(AFTERWARDS);

/** A closed store with an issued token. Tests copy it: to make one takes as long as the test. */
const begun = openRepeatedly();
const there = await begun.by(BEFORE, async ({ service }) => begin(service));
afterAll(() => begun[Symbol.dispose]());

describe.each(Object.entries(ENDINGS))("%s", (_, end) => {
  const ended = openRepeatedly(begun.data);
  beforeAll(() => ended.by(BEFORE, async ({ service }) => end(service, there)).then(() => {}));
  afterAll(() => ended[Symbol.dispose]());

  it.each(afterwards)("holds for all verifiers, when the store is opened %s", async (_, after) => {
    using data = openRepeatedly(begun.data);
    await data.by(after, async ({ service }) => end(service, there));
    await data.by(BEFORE, async ({ service }) => expect(await isLive(service, there.token)).toBe(false));
  });

  it.each(afterwards)("holds until the token expires, though the store is opened %s and pruned", async (_, after) => {
    using data = openRepeatedly(ended.data);
    const { now = NOW } = after;
    await data.by({ ...after, now: now + HOUR }, async ({ service, store }) => {
      await end(service, there).catch(() => {});
      await store.forgetRevocations(now + 6 * DAY, 1000);
    });
    await data.by({ ...BEFORE, now: NOW + 6 * DAY }, async ({ service }) =>
      expect(await isLive(service, there.token)).toBe(false),
    );
  });

  it("holds for tokens issued between a backup and its restoration", async () => {
    using data = openRepeatedly();
    const there = await data.by(BEFORE, async ({ service }) => begin(service));
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
});

describe("the backlog of a large installation", () => {
  const backlog = openRepeatedly(begun.data);
  const tokens: string[] = [];
  beforeAll(async () => {
    await backlog.by(BEFORE, async ({ service }) => {
      for (let count = 0; count < 3; count += 1) tokens.push((await begin(service)).token);
      await service.revokeToken(localCaller, tokens[0] ?? "");
    });
    // Enough for several pages, all before the last.
    backlog.write(`
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 12000)
      insert into revocations select 'token', 'jti-' || n, revision + n, ${NOW + 7 * DAY} from numbers, state;
      update state set revision = revision + 12000`);
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
      expect(await isLive(service, there.token)).toBe(true),
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

describe("a limit of lifetimes that is raised", () => {
  it("retains revocations of an earlier release longer, which did not store its limit", async () => {
    using data = openRepeatedly();
    const { token } = await data.by(BEFORE, async ({ service }) => {
      const there = await begin(service);
      await service.revokeAll(localCaller, { kind: "subject", id: "ada" });
      return there;
    });
    data.write(`update revocations set until = ${NOW + DAY}; update state set longest_lifetime = ${DAY}`);
    await data.by(BEFORE, async () => {});
    await data.by({ ...BEFORE, now: NOW + 6 * DAY }, async ({ store, service }) => {
      await store.forgetRevocations(NOW + 6 * DAY, 1000);
      await service.maintenance();
    });
    await data.by({ ...BEFORE, now: NOW + 6 * DAY }, async ({ service }) =>
      expect(await isLive(service, token)).toBe(false),
    );
  });

  it("changes the epoch, so that followers get the new retention", async () => {
    using data = openRepeatedly();
    const epochBy = (opening: Opening) =>
      data.by({ ...opening, guest: true }, async ({ store }) => (await store.position()).epoch);
    await data.by(BEFORE, async () => {});
    const epoch = await epochBy(BEFORE);
    expect(await epochBy(BEFORE)).toBe(epoch);
    await data.by(BEFORE, async ({ store }) => {
      const { epoch } = await store.position();
      const change = {
        record: { id: "1", at: NOW, action: "settings.change", outcome: "allowed" as const },
        isInitial: false,
      };
      await store.changeSettings({ longestLifetime: 30 * DAY }, change);
      expect((await store.position()).epoch).not.toBe(epoch);
    });
  });
});

describe("a token of a shared secret", () => {
  const [first, second] = ["a secret of more than thirty-two bytes, 1", "a secret of more than thirty-two bytes, 2"];

  it.each([
    ["with another secret", { ...BEFORE, secret: second }],
    ["with key pairs", BEFORE],
    ["by a command", { guest: true, secret: first }],
  ])("is revoked %s, too", async (_, after: Opening) => {
    using data = openRepeatedly();
    const server = { ...BEFORE, secret: first };
    const { token } = await data.by(server, async ({ service }) => begin(service));
    await data.by(after, async ({ service }) => service.revokeToken(localCaller, token));
    await data.by(server, async ({ service }) => expect(await isLive(service, token)).toBe(false));
  });

  it("is revoked without its secret only by callers who may revoke any token", async () => {
    using data = openRepeatedly();
    const { token, caller } = await data.by({ ...BEFORE, secret: first }, async ({ service }) => begin(service));
    await data.by(BEFORE, async ({ service }) =>
      expect(service.revokeToken(caller, token)).rejects.toMatchObject({ reason: "permission_denied" }),
    );
  });
});

describe("a command", () => {
  it.each(afterwards.filter(([, { guest }]) => guest))("changes only the given settings, %s", async (_, after) => {
    using data = openRepeatedly();
    await data.by(BEFORE, async ({ service }) => begin(service));
    const content = data.content();
    await data.by({ ...after, now: NOW + 365 * DAY }, async ({ service }) => {
      await service.maintenance();
      await service.keys.list(localCaller);
      await service.clients.list(localCaller);
      await service.audit.list(localCaller, { limit: 10 });
    });
    expect(data.content()).toEqual(content);
  });

  it("issues tokens that the service accepts, by its issuer, audience and algorithm", async () => {
    using data = openRepeatedly();
    const server: Opening = {
      ...BEFORE,
      issuer: "https://id.example",
      audience: "https://orders.example",
      alg: "EdDSA",
    };
    await data.by(server, async () => {});
    const { token } = await data.by({ guest: true, issuer: "http://127.0.0.1:3000" }, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: true });
      return issue(service);
    });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "EdDSA" });
    expect(decodeJwt(token)).toMatchObject({ iss: "https://id.example", aud: "https://orders.example" });
    await data.by(server, async ({ service }) =>
      expect(await service.verifyToken({ token })).toMatchObject({ sub: "ada" }),
    );
  });

  it("has the limits of the service, not of its own variables", async () => {
    using data = openRepeatedly();
    await data.by({ maxTtl: 600, ttl: 300 }, async () => {});
    await data.by({ guest: true, maxTtl: 30 * DAY, ttl: DAY }, async ({ service }) => {
      expect((await issue(service)).expiresIn).toBe(300);
      await expect(issue(service, { expiresIn: 601 })).rejects.toMatchObject({ reason: "invalid_request" });
    });
  });

  it("generates the key of the given algorithm, also while another key is pending", async () => {
    using data = openRepeatedly();
    await data.by(BEFORE, async () => {});
    await data.by({ guest: true }, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: false });
      const keys = await service.keys.rotate(localCaller, { immediate: false, alg: "EdDSA" });
      const waiting = keys.filter(({ state }) => state === "pending");
      expect(waiting.map(({ alg }) => alg)).toEqual(["EdDSA"]);
      await service.keys.rotate(localCaller, { immediate: true });
      expect(decodeProtectedHeader((await issue(service)).token).alg).toBe("EdDSA");
    });
  });

  it("rotates to a given algorithm, and the service continues with that one", async () => {
    using data = openRepeatedly();
    await data.by(BEFORE, async () => {});
    await data.by({ guest: true }, async ({ service }) =>
      service.keys.rotate(localCaller, { immediate: true, alg: "ES384" }),
    );
    await data.by(BEFORE, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: true });
      const { token } = await issue(service);
      expect(decodeProtectedHeader(token).alg).toBe("ES384");
      const { records } = await service.audit.list(localCaller, {
        action: "keys.rotate",
        clientId: "local",
        limit: 10,
      });
      expect(records).toMatchObject([{}, { target: "alg: ES256 -> ES384" }]);
    });
  });

  it.each([
    ["without the service's shared secret", { secret: "a secret that has more than thirty-two bytes" }, {}],
    [
      "with another shared secret",
      { secret: "a secret that has more than thirty-two bytes" },
      { secret: "x".repeat(32) },
    ],
    ["with a shared secret, where key pairs sign", {}, { secret: "x".repeat(32) }],
  ])("%s fails with a message and does nothing", async (_, server: Opening, command: Opening) => {
    using data = openRepeatedly();
    await data.by(server, async () => {});
    await expect(data.by({ ...command, guest: true }, async () => {})).rejects.toThrow(/^[^\n]*MINTMARK_SECRET[^\n]*$/);
  });
});

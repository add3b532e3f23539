import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { isLive, type Opening, openRepeatedly } from "../support/reopened.ts";
import { BEFORE, begin, DAY } from "../support/reopened-table.ts";
import { NOW } from "../support/service.ts";

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

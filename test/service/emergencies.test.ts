import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { KeyView } from "../../src/service/keys/key-management.ts";
import { createTokenService } from "../../src/service/service.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";

/** Two servers on one store; the clock of the second is some seconds behind. */
async function openTwo({ behind }: { behind: number }) {
  const opened = await openService();
  const { store, clock } = opened;
  let interlude = async () => {};
  const other = await createTokenService({
    // Applies a concurrent change between the read and the revocation of a server.
    store: {
      ...store,
      async revokeKey(...change) {
        await interlude();
        return store.revokeKey(...change);
      },
    },
    issuer: ISSUER,
    clock: () => clock.now - behind,
  });
  return {
    ...opened,
    other,
    beforeKill(work: () => Promise<unknown>) {
      interlude = async () => void (await work());
    },
  };
}

type Opened = Awaited<ReturnType<typeof openService>>;

async function newest({ store }: Opened): Promise<string> {
  return (await store.listKeys()).at(-1)?.kid ?? "";
}

/** Whether a token is issued a minute later, when all clocks agree on the signing key. */
async function stillIssues({ service, clock }: Opened): Promise<void> {
  clock.now += 100;
  await service.maintenance();
  const issue = async () => service.getToken(localCaller, { claims: {} });
  await expect(issue()).resolves.toMatchObject({ tokenType: "Bearer" });
}

const activeOf = (views: readonly KeyView[]) => views.filter(({ state }) => state === "active").map(({ kid }) => kid);

async function stillRotates({ service, store }: Opened): Promise<void> {
  const before = (await store.listKeys()).length;
  await service.keys.rotate(localCaller, { immediate: true });
  expect(await store.listKeys()).toHaveLength(before + 1);
}

describe("revoking the key that replaced a revoked one", () => {
  it.each([0, 1])("leaves a key that signs and can be followed, where the first was revoked %i s old", async (age) => {
    await using opened = await openTwo({ behind: 2 });
    opened.clock.now = NOW + 1000;
    await opened.service.keys.rotate(localCaller, { immediate: true });
    opened.clock.now += age;
    await opened.service.keys.revoke(localCaller, await newest(opened));
    await opened.other.keys.revoke(localCaller, await newest(opened));
    await stillIssues(opened);
    await stillRotates(opened);
  });

  it("leaves a key that signs, where the clock was set back by two seconds", async () => {
    await using opened = await openService();
    opened.clock.now = NOW + 1;
    await opened.service.keys.revoke(localCaller, await newest(opened));
    opened.clock.now = NOW - 1;
    await opened.service.keys.revoke(localCaller, await newest(opened));
    await stillIssues(opened);
  });
});

describe("revoking the only key by a clock that is 45 s ahead", () => {
  it("leaves every server with a signing key at once, and able to rotate", async () => {
    await using opened = await openTwo({ behind: 45 });
    const { service, other } = opened;
    const killed = await newest(opened);
    await service.keys.revoke(localCaller, killed);
    const { token } = await service.getToken(localCaller, { claims: {} });
    await other.verifyToken({ token });
    const before = activeOf(await other.keys.list(localCaller));
    expect(before).toEqual([await newest(opened)]);
    const after = activeOf(await other.keys.rotate(localCaller, { immediate: true }));
    expect(after).toEqual([await newest(opened)]);
    expect(new Set([killed, ...before, ...after]).size).toBe(3);
  });
});

describe("revoking a pending key while another server activates it", () => {
  it.each([0, 1])("leaves a key that signs and can be followed, with clocks %i s apart", async (apart) => {
    await using opened = await openTwo({ behind: -apart });
    opened.clock.now = NOW + 1000;
    await opened.service.keys.rotate(localCaller, { immediate: false });
    opened.beforeKill(() => opened.service.keys.rotate(localCaller, { immediate: true }));
    await opened.other.keys.revoke(localCaller, await newest(opened));
    await opened.service.maintenance();
    await stillIssues(opened);
    await stillRotates(opened);
  });
});

describe("a clock that was a year ahead while keys were rotated and revoked", () => {
  it.each([false, true])("blocks no rotation once it is right again (immediate: %s)", async (immediate) => {
    await using opened = await openService();
    const { service, clock } = opened;
    clock.now = NOW + 366 * 86400;
    await service.maintenance();
    await service.keys.rotate(localCaller, { immediate: true });
    for (let kill = 0; kill < 3; kill += 1) await service.keys.revoke(localCaller, await newest(opened));
    clock.now = NOW + 100;
    const views = await service.keys.rotate(localCaller, { immediate });
    const before = activeOf(views);
    expect(before).toHaveLength(1);
    const { token } = await service.getToken(localCaller, { claims: {} });
    clock.now += 700;
    if (immediate) await service.keys.rotate(localCaller, { immediate });
    const after = activeOf(await service.keys.list(localCaller));
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    await expect(service.verifyToken({ token })).resolves.toMatchObject({ client_id: "local" });
  });
});

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { holdLock } from "../support/lock-holder.ts";
import { ISSUER, NOW, temporaryFolder } from "../support/service.ts";
import { aCode, aRecord, aRequest, aSignIn } from "./samples.ts";

/** How long a cached verification may take while the lock is held, in milliseconds. */
const PROMPT = 50;

async function timed<Outcome>(work: () => Promise<Outcome>) {
  const start = performance.now();
  const [settled] = await Promise.allSettled([work()]);
  return { settled, ms: performance.now() - start };
}

it("verifies at once, and responds to writes within 2 s, while another process holds the lock for 3 s", async () => {
  using folder = temporaryFolder();
  const service = await createTokenService({ store: await openSqliteStore(folder.path), issuer: ISSUER });
  const issue = () => service.getToken(localCaller, { claims: {}, refreshable: true });
  const { token } = await issue();
  await service.verifyToken({ token });

  await using holder = await holdLock(join(folder.path, "mintmark.db"), 3000);
  let isHeld = true;
  void holder.ended.then(() => {
    isHeld = false;
  });
  const issued: Promise<Awaited<ReturnType<typeof timed>>>[] = [];
  let slowest = 0;
  while (isHeld) {
    if (issued.length < 50) issued.push(timed(issue));
    const verified = await timed(() => service.verifyToken({ token }));
    expect(verified.settled).toMatchObject({ status: "fulfilled" });
    slowest = Math.max(slowest, verified.ms);
    await sleep(5);
  }
  expect(slowest).toBeLessThan(PROMPT);

  for (const { settled, ms } of await Promise.all(issued)) {
    expect(ms).toBeLessThan(2000);
    if (settled.status === "rejected") expect(settled.reason).toMatchObject({ reason: "unavailable" });
  }
  await expect(issue()).resolves.toMatchObject({ token: expect.any(String) });
  await service.close();
});

it("waits for a lock that is held for less than its limit, and then succeeds", async () => {
  using folder = temporaryFolder();
  const service = await createTokenService({ store: await openSqliteStore(folder.path), issuer: ISSUER });
  await using _holder = await holdLock(join(folder.path, "mintmark.db"), 500);
  const { settled, ms } = await timed(() => service.getToken(localCaller, { claims: {} }));
  expect(settled).toMatchObject({ status: "fulfilled" });
  expect(ms).toBeLessThan(1500);
  await service.close();
});

it("writes again after a single statement that has waited in vain for a lock", async () => {
  using folder = temporaryFolder();
  const store = await openSqliteStore(folder.path);
  const code = aCode(aSignIn());
  for (let at = 0; at < 3; at += 1) await store.addAuthorizationRequest(aRequest({ expiresAt: NOW }));
  {
    await using _holder = await holdLock(join(folder.path, "mintmark.db"), 60_000);
    for (const write of [() => store.pruneRequests(NOW, 10), () => store.finishLogout(code)])
      await expect(write()).rejects.toMatchObject({ reason: "unavailable" });
  }
  await store.revoke({ kind: "subject", id: "ada" }, aRecord());
  expect(await store.pruneRequests(NOW, 10)).toEqual({ count: 3, more: false });
  await store.close();
});

it("reads what others have written since it waited in vain for a lock", async () => {
  using folder = temporaryFolder();
  const store = await openSqliteStore(folder.path);
  {
    await using _holder = await holdLock(join(folder.path, "mintmark.db"), 60_000);
    await expect(store.addAuthorizationRequest(aRequest())).rejects.toMatchObject({ reason: "unavailable" });
    await expect(store.addSignIn(aSignIn(), 0, aRecord())).rejects.toMatchObject({ reason: "unavailable" });
    // A read while the statement that began in vain still waits.
    expect(await store.findSignInBySid("none")).toBeUndefined();
  }
  const other = await openSqliteStore(folder.path, { shared: true });
  const signIn = aSignIn();
  await other.addSignIn(signIn, (await other.position()).sequence, aRecord());
  expect(await store.findSignInBySid(signIn.sid)).toMatchObject({ subject: signIn.subject });
  await other.close();
  await store.close();
});

it("closes while another process holds the lock, and retains all in the write-ahead log", async () => {
  using folder = temporaryFolder();
  const service = await createTokenService({ store: await openSqliteStore(folder.path), issuer: ISSUER });
  const { token } = await service.getToken(localCaller, { claims: {} });
  {
    await using _holder = await holdLock(join(folder.path, "mintmark.db"), 60_000);
    const { settled, ms } = await timed(() => service.close());
    expect(settled).toMatchObject({ status: "fulfilled" });
    expect(ms).toBeLessThan(3000);
  }
  const again = await createTokenService({ store: await openSqliteStore(folder.path), issuer: ISSUER });
  await expect(again.verifyToken({ token })).resolves.toBeDefined();
  await again.close();
});

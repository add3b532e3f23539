import pino from "pino";
import { describe, expect, it, vi } from "vitest";
import { createTokenServer } from "../../src/index.ts";
import { createStoreFollower } from "../../src/service/feed/store-follower.ts";
import { storedKeys } from "../../src/service/keys/loaded-keys.ts";
import { checkReadiness } from "../../src/service/operations/readiness.ts";
import { createTasks } from "../../src/service/operations/tasks.ts";
import { addClient } from "../support/clients.ts";
import { send } from "../support/request.ts";
import { NOW, openServer, openService } from "../support/service.ts";
import { openServerOnLeavable } from "../support/store-away.ts";

const OK = { store: "ok", keys: "ok", rotation: "ok", trust: "ok", clock: "ok", server: "ok" };

async function readiness(url: string) {
  const { status, text, headers } = await send(`${url}/readyz`);
  expect(headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
  return { code: status, ...JSON.parse(text) };
}

describe("readiness", () => {
  it("reports every check by name", async () => {
    await using server = await openServer();
    expect(await readiness(server.url)).toEqual({ code: 200, status: "ready", checks: OK });
  });

  it("fails while the database is down, later by the trust state too, without details", async () => {
    await using server = await openServerOnLeavable({ maxStaleness: 1 });
    server.leave();
    expect(await readiness(server.url)).toEqual({
      code: 503,
      status: "not ready",
      checks: { ...OK, store: "unavailable" },
    });
    const both = { ...OK, store: "unavailable", trust: "stale" };
    await vi.waitFor(async () => expect((await readiness(server.url)).checks).toEqual(both), 3000);
    expect(await send(`${server.url}/healthz`)).toMatchObject({ status: 200 });
    server.comeBack();
    await vi.waitFor(async () => expect((await readiness(server.url)).checks).toEqual(OK), 3000);
  });

  it("fails until a signing key and the revocations are loaded", async () => {
    await using opened = await openService();
    const { store } = opened;
    const clock = () => NOW;
    const policy = () => ({ rotation: 86400, maxTtl: 86400 });
    const keys = storedKeys({ store, clock, policy, onError: () => {} });
    const trust = createStoreFollower({ store, clock, maxStaleness: 30, reloadKeys: keys.reload });
    const tasks = createTasks(() => {});
    const checks = { checkWrites: async () => {}, checkClock: () => "ok" as const };
    const check = async () => (await checkReadiness({ trust, keys, tasks, ...checks, isDraining: false })).checks;
    expect(await check()).toEqual({ ...OK, keys: "unavailable", trust: "stale" });
    await trust.catchUp();
    expect(await check()).toEqual(OK);
  });

  it("fails while the clock is behind the latest change in the database, until a later change", async () => {
    await using opened = await openServer();
    await addClient(opened.service);
    opened.clock.now = NOW - 3600;
    expect(await readiness(opened.url)).toMatchObject({ code: 503, checks: { ...OK, clock: "behind" } });
    opened.clock.now = NOW - 60;
    expect(await readiness(opened.url)).toMatchObject({ code: 200, checks: OK });
    opened.clock.now = NOW - 3600;
    await addClient(opened.service);
    expect(await readiness(opened.url)).toMatchObject({ code: 200, checks: OK });
  });

  it("fails from the signal to stop, while the server still serves", async () => {
    await using opened = await openService();
    const server = await createTokenServer(opened.service, { port: 0, logger: pino({ level: "silent" }) });
    const closing = server.close({ drain: 200 });
    expect(await readiness(server.origin)).toMatchObject({ code: 503, checks: { ...OK, server: "draining" } });
    expect(await send(`${server.origin}/trpc/getToken`)).toMatchObject({ status: 200 });
    await closing;
  });
});

import { describe, expect, it, vi } from "vitest";
import { createPrunes, createRetentionClock } from "../../src/service/operations/prunes.ts";
import { createTasks } from "../../src/service/operations/tasks.ts";
import { openMemoryStore } from "../../src/store/memory/memory.ts";
import type { Store } from "../../src/store/store.ts";
import {
  aCode,
  aDeviceRequest,
  aGrant,
  aRecord,
  aRedemption,
  aRequest,
  aSignIn,
  FREE,
  unique,
} from "../store/samples.ts";
import { NOW } from "../support/service.ts";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

describe("the retention clock", () => {
  it("is certain of no time for an hour, then of one that is past; and knows the current one", () => {
    const real = { monotonic: 0, ahead: 0 };
    const retentionClock = createRetentionClock(
      () => NOW + real.monotonic + real.ahead,
      () => real.monotonic,
    );
    const minutesLater = (minutes: number) => {
      for (let minute = 1; minute < minutes; minute += 1) {
        real.monotonic += MINUTE;
        retentionClock();
      }
      real.monotonic += MINUTE;
      return retentionClock();
    };
    retentionClock();
    expect(minutesLater(59)).toEqual({ current: NOW + 59 * MINUTE, certain: undefined });
    expect(minutesLater(1)).toEqual({ current: NOW + HOUR, certain: NOW });
    expect(minutesLater(60)).toEqual({ current: NOW + 2 * HOUR, certain: NOW + HOUR });
    // A clock that jumps a year ahead and is corrected within the hour has no effect.
    real.ahead = 366 * DAY;
    expect(minutesLater(50)).toEqual({ current: NOW + 2 * HOUR + 3000, certain: NOW + 2 * HOUR - 600 });
    real.ahead = 0;
    expect(minutesLater(120).certain).toBe(NOW + real.monotonic - HOUR);
    real.ahead = -1000;
    expect(minutesLater(1)).toEqual({ current: NOW + real.monotonic - 1000, certain: NOW + real.monotonic - HOUR });
  });
});

/** What is acknowledged: how it is added, and whether it is stored. */
type Kept = (store: Store) => Promise<() => Promise<boolean>>;

const acknowledged: Record<string, Kept> = {
  "a sign-in session": async (store) => {
    const signIn = aSignIn({ expiresAt: NOW + 7 * DAY });
    await store.addSignIn(signIn, 0, aRecord());
    return async () => (await store.findSignIn(signIn.hash)) !== undefined;
  },
  "a code": async (store) => {
    const code = await addCode(store);
    return async () => (await store.findCode(code.hash)) !== undefined;
  },
  "a used code, whose second use ends a grant": async (store) => {
    const code = await addCode(store);
    await store.redeemCode(code.hash, aRedemption(code, { until: NOW + DAY }), aRecord());
    return async () => (await store.findCode(code.hash))?.grantSid !== undefined;
  },
  "a logout notice that was not sent": async (store) => {
    const code = await addCode(store);
    await store.redeemCode(code.hash, aRedemption(code, { notify: true, until: NOW + DAY }), aRecord());
    await store.revoke({ kind: "session", id: code.sid }, aRecord());
    return async () => (await store.takeLogouts(NOW + HOUR, { limit: 9, lease: 0 })).length === 1;
  },
  "an authorization request": async (store) => {
    const request = aRequest({ expiresAt: NOW + HOUR });
    await store.addAuthorizationRequest(request);
    return async () => (await store.findAuthorizationRequest(request.handle)) !== undefined;
  },
  "a device request": async (store) => {
    const device = aDeviceRequest({ expiresAt: NOW + HOUR });
    await store.addDeviceRequest(device, aRecord());
    return async () => (await store.findDeviceRequest(device)) !== undefined;
  },
  "an assertion that was used": async (store) => {
    const id = unique();
    await store.addToCounts([{ id, amount: 1, until: NOW + HOUR }]);
    return async () => (await store.readCounts([id]))[0] === 1;
  },
  "an audit record": async (store) => {
    const record = aRecord({ at: NOW });
    await store.appendAudit([record]);
    return async () => (await store.listAudit({ limit: 9 })).length === 1;
  },
  "a grant": async (store) => {
    const grant = aGrant({ expiresAt: NOW + 7 * DAY, idleUntil: NOW + DAY });
    await store.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord());
    return async () => (await store.findGrant(grant.sid)) !== undefined;
  },
  "a revocation": async (store) => {
    const id = unique();
    await store.revoke({ kind: "token", id, until: NOW + DAY }, aRecord());
    return async () => (await store.findRevocations([{ kind: "token", id }])).length === 1;
  },
};

async function addCode(store: Store) {
  const signIn = aSignIn({ expiresAt: NOW + 7 * DAY });
  await store.addSignIn(signIn, 0, aRecord());
  const code = aCode(signIn, { expiresAt: NOW + HOUR });
  await store.addCode(code, FREE, aRecord());
  return code;
}

describe("pruning by a clock that is ten days ahead for 50 minutes, on a server that runs for", () => {
  const afterStart: [string, number][] = [
    ["a minute", 1],
    ["two hours", 120],
  ];
  const cases = afterStart.flatMap(([ago, minutes]) =>
    Object.entries(acknowledged).map(([what, add]) => ({ ago, minutes, what, add })),
  );

  it.each(cases)("$ago, retains $what", async ({ minutes, add }) => {
    const store = openMemoryStore();
    const real = { seconds: 0, ahead: 0 };
    const { prune } = createPrunes({
      store,
      clock: () => NOW - minutes * MINUTE + real.seconds + real.ahead,
      auditRetention: DAY,
      longestLifetime: () => HOUR,
      tasks: createTasks((_, error) => expect.fail(String(error))),
    });
    const start = performance.now();
    const monotonic = vi.spyOn(performance, "now").mockImplementation(() => start + real.seconds * 1000);
    const pruneFor = async (time: number) => {
      for (let minute = 0; minute < time; minute += 1) {
        await prune();
        real.seconds += MINUTE;
      }
    };
    try {
      await pruneFor(minutes);
      const isKept = await add(store);
      real.ahead = 10 * DAY;
      await pruneFor(50);
      real.ahead = 0;
      await pruneFor(1);
      expect(await isKept()).toBe(true);
    } finally {
      monotonic.mockRestore();
    }
  });
});

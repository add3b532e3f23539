import { describe, expect, it, vi } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TaskName } from "../../src/service/operations/tasks.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { scrape } from "../support/metrics.ts";
import { send } from "../support/request.ts";
import { NOW, openServer, temporaryFolder } from "../support/service.ts";

const DAY = 86400;

/** Runs maintenance after some minutes. Deletion uses the earliest clock reading of an hour. */
async function keepUpAfter(service: { maintenance(): Promise<void> }, minutes: number): Promise<void> {
  const then = vi.spyOn(performance, "now").mockReturnValue(performance.now() + minutes * 60_000);
  await service.maintenance().finally(() => then.mockRestore());
}

/** The store method that fails for each task, and whether the server is ready nevertheless. */
const cases: { task: TaskName; verb: keyof Store; isReady: boolean; also?: TaskName[] }[] = [
  { task: "rotate_keys", verb: "addKey", isReady: false },
  { task: "reload_keys", verb: "listKeys", isReady: false, also: ["rotate_keys"] },
  { task: "prune_counts", verb: "pruneCounts", isReady: true },
  { task: "prune_requests", verb: "pruneRequests", isReady: true },
  { task: "prune_sign_ins", verb: "pruneSignInData", isReady: true },
  { task: "prune_clients", verb: "pruneIntroducedClients", isReady: true },
  { task: "prune_audit", verb: "pruneAudit", isReady: true },
  { task: "prune_sessions", verb: "pruneGrants", isReady: true },
  { task: "prune_revocations", verb: "forgetRevocations", isReady: true },
];

/** A server on a real store, one method of which can be made to fail. */
async function openFaulty(verb: keyof Store) {
  const folder = temporaryFolder();
  const store = await openSqliteStore(folder.path);
  const fault = { isOn: false };
  const called: string[] = [];
  const entries = Object.entries(store).map(([name, call]) => [
    name,
    typeof call !== "function" || name === "watch" || name === "close"
      ? call
      : async (...parameters: never[]) => {
          called.push(name);
          if (fault.isOn && name === verb) throw new MintmarkError("unavailable");
          return (call as (...parameters: never[]) => Promise<unknown>)(...parameters);
        },
  ]);
  const reported: string[] = [];
  const server = await openServer({
    store: Object.fromEntries(entries) as Store,
    rotation: 10 * DAY,
    onError: (work) => reported.push(work),
  });
  return {
    ...server,
    fault,
    called,
    reported,
    async [Symbol.asyncDispose]() {
      fault.isOn = false;
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe("the tasks of every minute", () => {
  it.each(cases)(
    "goes on where $task fails, names it, and is in order once it works again",
    async ({ task, verb, isReady, also = [] }) => {
      await using opened = await openFaulty(verb);
      const { service, clock, fault, called, reported, url } = opened;
      const keys = async () => (await service.keys.list(localCaller)).length;
      const readiness = async () => {
        const { status, text } = await send(`${url}/readyz`);
        return { status, failing: JSON.parse(text).failing };
      };
      await keepUpAfter(service, 0);
      called.length = 0;
      fault.isOn = true;
      clock.now = NOW + 10 * DAY;

      await expect(keepUpAfter(service, 61)).rejects.toMatchObject({ reason: "unavailable" });
      const tried = [
        "pruneCounts",
        "pruneRequests",
        "pruneSignInData",
        "pruneAudit",
        "pruneGrants",
        "forgetRevocations",
      ];
      expect(called).toEqual(expect.arrayContaining(tried));
      if (task !== "rotate_keys" && task !== "reload_keys") expect(await keys()).toBe(2);
      expect(reported).toContain(task);
      expect(await readiness()).toEqual({ status: isReady ? 200 : 503, failing: [task, ...also] });
      const { of } = await scrape(url);
      expect(of(`maintenance_failing{task="${task}"}`)).toBe(1);
      expect(of(`maintenance_failures_total{task="${task}"}`)).toBe(1);
      expect(of('maintenance_failing{task="write_refusals"}')).toBe(0);

      fault.isOn = false;
      await keepUpAfter(service, 62);
      expect(await keys()).toBe(2);
      expect(await readiness()).toEqual({ status: 200 });
      expect((await scrape(url)).of(`maintenance_failing{task="${task}"}`)).toBe(0);
    },
  );
});

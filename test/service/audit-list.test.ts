import { describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { AuditQuery } from "../../src/store/audit.ts";
import { addClient } from "../support/clients.ts";
import { NOW } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const RETENTION = 1000;

/** A service whose audit log has the issuance of tokens for these subjects only, one second apart. */
async function openWithTokens(subjects: string[]) {
  const opened = await openSharedService({ auditRetention: RETENTION });
  const issue = async (subject: string) => void (await opened.service.getToken(localCaller, { subject, claims: {} }));
  for (const subject of subjects) {
    await issue(subject);
    opened.clock.now += 1;
  }
  return {
    ...opened,
    issue,
    list: (query: Partial<AuditQuery> = {}) =>
      opened.service.audit.list(localCaller, { action: "getToken", limit: 100, ...query }),
  };
}

const subjectsOf = ({ records }: { records: { subject?: string | undefined }[] }) =>
  records.map(({ subject }) => subject);

describe("audit.list", () => {
  it("lists the newest first, also within one millisecond", async () => {
    const subjects = Array.from({ length: 50 }, (_, at) => `subject ${at}`);
    await using opened = await openWithTokens(subjects);
    expect(subjectsOf(await opened.list())).toEqual(subjects.toReversed());
  });

  it("returns every record on one page, although others are written between the pages", async () => {
    await using opened = await openWithTokens(["a", "b", "c", "d", "e"]);
    const pages = [await opened.list({ limit: 2 })];
    for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
      await opened.issue("later");
      pages.push(await opened.list({ limit: 2, before: next }));
    }
    expect(pages.flatMap(subjectsOf)).toEqual(["e", "d", "c", "b", "a"]);
  });

  it("has no cursor on the last page", async () => {
    await using opened = await openWithTokens(["a", "b", "c", "d"]);
    expect(await opened.list({ limit: 5 })).not.toHaveProperty("next");
    const first = await opened.list({ limit: 2 });
    expect(first).toHaveProperty("next", first.records.at(-1)?.id);
    expect(await opened.list({ limit: 2, before: String(first.next) })).not.toHaveProperty("next");
  });

  it("filters by time, from inclusive to exclusive", async () => {
    await using opened = await openWithTokens(["a", "b", "c", "d"]);
    expect(subjectsOf(await opened.list({ from: NOW + 1 }))).toEqual(["d", "c", "b"]);
    expect(subjectsOf(await opened.list({ to: NOW + 2 }))).toEqual(["b", "a"]);
    expect(subjectsOf(await opened.list({ from: NOW + 1, to: NOW + 2 }))).toEqual(["b"]);
    expect(subjectsOf(await opened.list({ from: NOW + 2, to: NOW + 1 }))).toEqual([]);
  });

  it("filters by client, action and outcome, and by all of them together", async () => {
    await using opened = await openSharedService();
    const { service } = opened;
    const clients = [await addClient(service, { permissions: ["issue"] }), await addClient(service)];
    const callers = await Promise.all(clients.map((client) => service.authenticate(client, "192.0.2.1")));
    for (const caller of callers) {
      await service.getToken(caller, { claims: {} }).catch(() => {});
      await service.keys.list(caller).catch(() => {});
    }
    const [first, second] = callers.map(({ clientId }) => clientId);
    const list = async (query: Partial<AuditQuery>) => {
      const { records } = await service.audit.list(localCaller, { limit: 100, ...query });
      return records.map(({ clientId, action, outcome }) => [clientId, action, outcome]);
    };
    expect(await list({ clientId: first })).toEqual([
      [first, "keys.list", "refused"],
      [first, "getToken", "allowed"],
    ]);
    expect(await list({ action: "getToken" })).toEqual([
      [second, "getToken", "refused"],
      [first, "getToken", "allowed"],
    ]);
    expect(await list({ outcome: "refused", action: "keys.list" })).toEqual([
      [second, "keys.list", "refused"],
      [first, "keys.list", "refused"],
    ]);
    expect(await list({ clientId: first, action: "getToken", outcome: "allowed" })).toHaveLength(1);
    expect(await list({ clientId: first, action: "getToken", outcome: "refused" })).toEqual([]);
    expect(await list({ clientId: "nobody" })).toEqual([]);
  });
});

describe("maintenance", () => {
  const start = performance.now();
  /** Runs maintenance after some minutes. Deletion uses the earliest clock reading of an hour. */
  const keepUpAfter = async ({ service }: { service: Pick<TokenService, "maintenance"> }, minutes: number) => {
    const then = vi.spyOn(performance, "now").mockReturnValue(start + minutes * 60_000);
    await service.maintenance().finally(() => then.mockRestore());
  };

  it("retains a record within its retention", async () => {
    await using opened = await openWithTokens(["a", "b"]);
    opened.clock.now = NOW + RETENTION;
    await keepUpAfter(opened, 0);
    await keepUpAfter(opened, 61);
    expect(subjectsOf(await opened.list())).toEqual(["b", "a"]);
  });

  it("deletes a record after its retention", async () => {
    await using opened = await openWithTokens(["a", "b"]);
    opened.clock.now = NOW + RETENTION + 1;
    await keepUpAfter(opened, 0);
    await keepUpAfter(opened, 61);
    expect(subjectsOf(await opened.list())).toEqual(["b"]);
  });

  it("deletes neither records nor grants by a clock that is temporarily a year ahead", async () => {
    await using opened = await openWithTokens(["a"]);
    const { refreshToken = "" } = await opened.service.getToken(localCaller, { claims: {}, refreshable: true });
    const { now } = opened.clock;
    await keepUpAfter(opened, 0);
    opened.clock.now = now + 366 * 86_400;
    await keepUpAfter(opened, 20);
    await keepUpAfter(opened, 40);
    opened.clock.now = now;
    await keepUpAfter(opened, 61);
    expect(subjectsOf(await opened.list())).toEqual(["local", "a"]);
    await expect(opened.service.refreshToken(localCaller, { refreshToken })).resolves.toHaveProperty("token");
  });
});

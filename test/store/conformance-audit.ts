import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import type { AuditQuery, AuditRecord } from "../../src/store/audit.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aRecord, records } from "./samples.ts";

const everything = { limit: 10_000 };

export function describeAudit(open: Open): void {
  describe("appendAudit", () => {
    it("appends records; listAudit returns them unchanged, newest first", async () => {
      await using opened = await open();
      const bare = aRecord();
      const about = { clientId: "c", subject: "s", jti: "j", kid: "k", target: "t", address: "::1", count: 3 };
      const full = aRecord({ ...about, outcome: "refused", reason: "permission_denied" });
      await opened.here.appendAudit([bare, full]);
      expect(await opened.there.listAudit(everything)).toEqual([full, bare]);
    });

    it("appends none or thousands in one call, and all of two concurrent processes", async () => {
      await using opened = await open();
      await opened.here.appendAudit([]);
      const groups = [records(2500), records(1), records(999), records(1001)];
      await Promise.all(groups.map((group, at) => (at % 2 ? opened.here : opened.there).appendAudit(group)));
      expect(await opened.here.listAudit(everything)).toEqual(groups.flat().toReversed());
    });

    it("appends all records of a call or none", async () => {
      await using opened = await open();
      const [known, ...others] = records(1501);
      await opened.here.appendAudit([known as AuditRecord]);
      const appended = opened.here.appendAudit([...others, { ...aRecord(), id: known?.id ?? "" }]);
      await expect(appended).rejects.toMatchObject(new MintmarkError("internal_error"));
      expect(await opened.here.listAudit(everything)).toEqual([known]);
    });
  });

  describe("listAudit", () => {
    it("visits every record once, page by page, while others are appended", async () => {
      await using opened = await open();
      const appended = records(95);
      await opened.here.appendAudit(appended);
      const visited = await allPages({ limit: 10 }, async (query) => {
        await opened.there.appendAudit([aRecord()]);
        return opened.here.listAudit(query);
      });
      // The newest record before the first page is its first.
      expect(visited.slice(1)).toEqual(appended.toReversed());
    });

    it("pages through filtered records", async () => {
      await using opened = await open();
      const appended = Array.from({ length: 60 }, (_, at) => aRecord({ action: at % 3 ? "token.issue" : "keys.kill" }));
      await opened.here.appendAudit(appended);
      const query = { action: "keys.kill", limit: 7 };
      const visited = await allPages(query, opened.here.listAudit);
      expect(visited).toEqual(appended.filter(({ action }) => action === "keys.kill").toReversed());
    });

    const sample = [
      aRecord({ clientId: "a", action: "token.issue", at: NOW }),
      aRecord({ clientId: "a", action: "token.issue", at: NOW + 1, outcome: "refused" }),
      aRecord({ clientId: "b", action: "token.issue", at: NOW + 2 }),
      aRecord({ clientId: "b", action: "keys.kill", at: NOW + 3, outcome: "refused" }),
      aRecord({ action: "authenticate", at: NOW + 4, outcome: "refused" }),
    ];
    const before = sample[2]?.id;

    it.each<[string, Omit<AuditQuery, "limit">, number[]]>([
      ["the client", { clientId: "a" }, [1, 0]],
      ["the action", { action: "token.issue" }, [2, 1, 0]],
      ["the outcome", { outcome: "refused" }, [4, 3, 1]],
      ["the moment from which on, itself included", { from: NOW + 3 }, [4, 3]],
      ["the moment until which, itself excluded", { to: NOW + 2 }, [1, 0]],
      ["the record before which, itself excluded", { before }, [1, 0]],
      [
        "all at once",
        { clientId: "a", action: "token.issue", outcome: "refused", from: NOW, to: NOW + 2, before },
        [1],
      ],
      ["a client that there is not", { clientId: "A" }, []],
      ["nothing", {}, [4, 3, 2, 1, 0]],
    ])("filters by %s", async (_name, query, expected) => {
      await using opened = await open();
      await opened.here.appendAudit(sample);
      expect(await opened.here.listAudit({ ...query, limit: 100 })).toEqual(expected.map((at) => sample[at]));
    });
  });

  describe("pruneAudit", () => {
    it("deletes the records from before a moment, and returns their number", async () => {
      await using opened = await open();
      const old = records(40, { at: NOW - 1 });
      const young = records(3, { at: NOW });
      await opened.here.appendAudit([...old, ...young]);
      expect(await opened.here.pruneAudit(NOW, 1000)).toEqual({ count: 40, more: false });
      expect(await opened.there.pruneAudit(NOW, 1000)).toEqual({ count: 0, more: false });
      expect(await opened.there.listAudit(everything)).toEqual(young.toReversed());
    });
  });
}

/** All records, page by page by `before`. */
async function allPages(query: AuditQuery, list: Store["listAudit"]): Promise<AuditRecord[]> {
  const page = await list(query);
  const last = page.at(-1);
  return last === undefined ? [] : [...page, ...(await allPages({ ...query, before: last.id }, list))];
}

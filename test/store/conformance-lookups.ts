import { describe, expect, it } from "vitest";
import type { Grant } from "../../src/store/grant.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aGrant, aRecord, records } from "./samples.ts";

export function describeLookups(open: Open): void {
  describe("findTokenRecords", () => {
    it("finds the first ten allowed records of a token, oldest first, with the names of clients", async () => {
      await using opened = await open();
      const client = aClient({ name: "billing" });
      await opened.here.addClient(client, aRecord());
      const { clientId } = client;
      const issued = aRecord({ jti: "a", clientId, action: "getToken", expiresAt: NOW + 900, target: "sid" });
      const refused = aRecord({ jti: "a", outcome: "refused" });
      const later = records(12, { jti: "a" });
      await opened.there.appendAudit([...later.toReversed(), refused, aRecord({ jti: "b" }), aRecord(), issued]);
      expect(await opened.here.findTokenRecords("a")).toEqual([
        { ...issued, clientName: "billing" },
        ...later.slice(0, 9),
      ]);
      expect(await opened.here.findTokenRecords("c")).toEqual([]);
    });
  });

  describe("findRevocations", () => {
    it("finds those of the given tokens, subjects, clients and grants, and no other", async () => {
      await using opened = await open();
      const kinds = ["token", "subject", "client", "session"] as const;
      for (const kind of kinds)
        for (const id of ["a", "b"]) await opened.here.revoke({ kind, id, until: NOW + 900 }, aRecord());
      const all = await opened.here.listRevocations(0, 100);
      const of = kinds.map((kind) => ({ kind, id: "a" }));
      const found = await opened.there.findRevocations([...of, { kind: "token", id: "c" }]);
      expect(found.toSorted((a, b) => a.sequence - b.sequence)).toEqual(all.filter(({ id }) => id === "a"));
      expect(await opened.there.findRevocations([])).toEqual([]);
    });
  });

  describe("findGrantBySid", () => {
    it("finds a grant until it ends", async () => {
      await using opened = await open();
      const grant = aGrant();
      await opened.here.addGrant(grant, { hash: "hash", sequence: 0 }, aRecord());
      expect(await opened.there.findGrantBySid(grant.sid)).toEqual(grant);
      await opened.here.revoke({ kind: "session", id: grant.sid }, aRecord());
      expect(await opened.there.findGrantBySid(grant.sid)).toBeUndefined();
    });
  });

  describe("listGrants", () => {
    it("lists the grants of a subject that have not ended, newest first, page by page, without their seeds", async () => {
      await using opened = await open();
      const client = aClient({ name: "billing" });
      await opened.here.addClient(client, aRecord());
      const of = (fields: Partial<Grant>) => aGrant({ subject: "ada", ...fields });
      const { scope: _, ...unscoped } = of({ createdAt: NOW - 3, audience: ["orders", "billing"] });
      const live = [of({ createdAt: NOW + 1, clientId: client.clientId }), of({}), of({}), unscoped];
      const ended = [of({ expiresAt: NOW }), of({ idleUntil: NOW }), aGrant()];
      for (const grant of [...ended, ...live])
        await opened.here.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord());
      const inOrder = live.toSorted((a, b) => b.createdAt - a.createdAt || (a.sid < b.sid ? 1 : -1));
      const listed = inOrder.map(({ claims: _, ttl: __, seed: ___, ...grant }) => grant);
      const query = { subject: "ada", now: NOW };
      const [first, ...others] = await opened.there.listGrants({ ...query, limit: 10 });
      expect([first, ...others]).toEqual([{ ...listed[0], clientName: "billing" }, ...listed.slice(1)]);
      for (const at of [0, 1, 2])
        expect(await opened.there.listGrants({ ...query, before: listed[at], limit: 1 })).toEqual([listed[at + 1]]);
      expect(await opened.there.listGrants({ ...query, before: listed[3], limit: 1 })).toEqual([]);
      expect(await opened.there.listGrants({ ...query, subject: "ad_", limit: 1 })).toEqual([]);
    });
  });
}

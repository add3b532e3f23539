import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aGrant, aRecord, aRotation, unique } from "./samples.ts";

const until = NOW + 900;

export function describeTrust(open: Open): void {
  describe("revoke", () => {
    it("returns the sequence number of the change, under which every process lists it", async () => {
      await using opened = await open();
      const first = await opened.here.revoke({ kind: "token", id: "a", until }, aRecord());
      const second = await opened.there.revoke({ kind: "subject", id: "a", until }, aRecord());
      expect(second).toBeGreaterThan(first);
      expect(await opened.there.listRevocations(0, 10)).toEqual([
        { kind: "token", id: "a", sequence: first, until },
        { kind: "subject", id: "a", sequence: second, until },
      ]);
      expect(await opened.here.listRevocations(first, 10)).toHaveLength(1);
      expect(await opened.here.listRevocations(0, 1)).toHaveLength(1);
    });

    it("revokes a token or a grant once, and audits the repeated request", async () => {
      await using opened = await open();
      for (const kind of ["token", "session"] as const) {
        const first = await opened.here.revoke({ kind, id: "a", until }, aRecord({ action: kind }));
        expect(await opened.there.revoke({ kind, id: "a", until }, aRecord({ action: kind }))).toBe(first);
        expect(await opened.here.listAudit({ action: kind, limit: 10 })).toHaveLength(2);
      }
      expect(await opened.here.listRevocations(0, 10)).toHaveLength(2);
    });

    it("revokes a subject or a client again, and lists the latest", async () => {
      await using opened = await open();
      for (const kind of ["subject", "client"] as const) {
        await opened.here.revoke({ kind, id: "a", until }, aRecord());
        const sequence = await opened.here.revoke({ kind, id: "a", until: until + 1 }, aRecord());
        const listed = await opened.there.listRevocations(0, 10);
        expect(listed.filter((one) => one.kind === kind)).toEqual([{ kind, id: "a", sequence, until: until + 1 }]);
      }
    });

    it.each(["subject", "client", "session"] as const)(
      "keeps a revoked %s until the longest token ever allowed has expired, and never shorter than before",
      async (kind) => {
        await using opened = await open();
        const { here, there } = opened;
        const kept = async () => (await here.listRevocations(0, 10)).at(-1)?.until;
        await here.changeSettings({ longestLifetime: 3600 }, { record: aRecord(), isInitial: true });
        await there.revoke({ kind, id: "a" }, aRecord());
        expect(await kept()).toBe(NOW + 3600 + 60);
        await there.revoke({ kind, id: "a" }, aRecord({ at: NOW - 1000 }));
        expect(await kept()).toBe(NOW + 3600 + 60);
      },
    );

    it("is retained while its tokens may be valid, also after writes by an earlier release", async () => {
      await using opened = await open();
      const { here, there } = opened;
      await here.changeSettings({ longestLifetime: 3600 }, { record: aRecord(), isInitial: true });
      const now = Math.floor(Date.now() / 1000);
      // With a limit of its own, which it does not store.
      await there.revoke({ kind: "subject", id: "a" }, aRecord({ at: now - 3000 }));
      const [listed] = await here.listRevocations(0, 10);
      expect(listed?.until).toBeGreaterThanOrEqual(now + 3600);
      expect((await here.forgetRevocations(now + 3000, 10)).count).toBe(0);
      expect(await there.listRevocations(0, 10)).toHaveLength(1);
      expect((await here.forgetRevocations(now + 7200, 10)).count).toBe(1);
    });

    it("deletes the grants concerned, and no other", async () => {
      await using opened = await open();
      const { here, there } = opened;
      for (const by of ["subject", "clientId", "sid"] as const) {
        const [ended, other] = [aGrant(), aGrant()];
        for (const grant of [ended, other]) await here.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord());
        const kind = ({ subject: "subject", clientId: "client", sid: "session" } as const)[by];
        await there.revoke({ kind, id: ended[by], until }, aRecord());
        expect(await here.findGrant(ended.sid)).toBeUndefined();
        expect(await here.rotateRefreshToken(ended.sid, aRotation(ended.sid), aRecord())).toBe("unknown");
        expect(await here.findGrant(other.sid)).toEqual(other);
      }
    });

    it("numbers concurrent revocations in their order, and lists none late", async () => {
      await using opened = await open();
      let [seen, done] = [0, false];
      const followed: number[] = [];
      const follow = async () => {
        while (!done || (await opened.there.listRevocations(seen, 1)).length > 0) {
          for (const { sequence } of await opened.there.listRevocations(seen, 100)) {
            followed.push(sequence);
            seen = sequence;
          }
        }
      };
      const following = follow();
      const revoking = Array.from({ length: 10 }, (_, at) =>
        (at % 2 ? opened.here : opened.there).revoke({ kind: "token", id: unique(), until }, aRecord()),
      );
      const numbers = await Promise.all(revoking);
      done = true;
      await following;
      expect(followed).toEqual(numbers.toSorted((a, b) => a - b));
    });

    it("is deleted after its retention", async () => {
      await using opened = await open();
      await opened.here.revoke({ kind: "token", id: "a", until }, aRecord());
      await opened.here.revoke({ kind: "subject", id: "b", until: until + 1 }, aRecord());
      expect(await opened.here.forgetRevocations(until, 1000)).toEqual({ count: 0, more: false });
      expect(await opened.here.forgetRevocations(until + 1, 1000)).toEqual({ count: 1, more: false });
      expect((await opened.there.listRevocations(0, 10)).map(({ id }) => id)).toEqual(["b"]);
    });
  });

  describe("removeClient", () => {
    it("revokes the tokens of the client and deletes its grants", async () => {
      await using opened = await open();
      const client = aClient();
      const grant = aGrant({ clientId: client.clientId });
      await opened.here.addClient(client, aRecord());
      await opened.here.addGrant(grant, { hash: "hash", sequence: 0 }, aRecord());
      await opened.there.removeClient(client.clientId, aRecord());
      const { sequence } = await opened.here.position();
      expect(await opened.here.listRevocations(0, 10)).toEqual([
        { kind: "client", id: client.clientId, sequence, until: NOW + 60 },
      ]);
      expect(await opened.here.findGrant("hash")).toBeUndefined();
    });
  });
}

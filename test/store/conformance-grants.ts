import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aGrant, aRecord, aRotation } from "./samples.ts";

export function describeSessions(open: Open): void {
  describe("addGrant", () => {
    it("adds a grant, and its refresh token finds it unchanged", async () => {
      await using opened = await open();
      const { scope, ...unscoped } = aGrant();
      const several = aGrant({ audience: ["orders", '["payments"]', "ünïcode, with a comma"] });
      for (const grant of [aGrant(), unscoped, several, aGrant({ audience: '["orders"]' })]) {
        expect(await opened.here.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord())).toBe("added");
        expect(await opened.there.findGrant(grant.sid)).toEqual(grant);
      }
      expect(await opened.there.findGrant("another")).toBeUndefined();
    });

    it("adds none where its subject or client was revoked after its first token was made", async () => {
      await using opened = await open();
      for (const [kind, by] of [["subject", "subject"] as const, ["client", "clientId"] as const]) {
        const grant = aGrant();
        const { sequence } = await opened.here.position();
        const revoked = await opened.there.revoke({ kind, id: grant[by], until: NOW + 900 }, aRecord());
        const first = { hash: grant.sid, sequence };
        expect(await opened.here.addGrant(grant, first, aRecord())).toBe("revoked");
        expect(await opened.here.addGrant(grant, { ...first, sequence: revoked }, aRecord())).toBe("added");
      }
    });
  });

  describe("rotateRefreshToken", () => {
    it("replaces the presented token by its successor, and audits it", async () => {
      await using opened = await open();
      const { here, there, grant } = await withGrant(opened);
      expect(await here.rotateRefreshToken(grant.sid, aRotation("a"), aRecord({ action: "turn" }))).toBe("rotated");
      expect(await there.rotateRefreshToken(grant.sid, aRotation("a+"), aRecord({ action: "turn" }))).toBe("rotated");
      expect((await here.findGrant("a++"))?.sid).toBe(grant.sid);
      expect(await here.listAudit({ action: "turn", limit: 10 })).toHaveLength(2);
    });

    it("replays a used token within the window to the second, and reports reuse after that", async () => {
      await using opened = await open();
      const { here, there, grant } = await withGrant(opened);
      await here.rotateRefreshToken(grant.sid, aRotation("a"), aRecord());
      await here.rotateRefreshToken(grant.sid, aRotation("a+"), aRecord());
      const again = (now: number) => there.rotateRefreshToken(grant.sid, aRotation("a", { now }), aRecord());
      expect(await again(NOW + 9)).toBe("replayed");
      expect(await again(NOW + 10)).toBe("reused");
    });

    it("replays for a minute longer at a server other than the one that consumed the token", async () => {
      await using opened = await open();
      const { here, there, grant } = await withGrant(opened);
      await here.rotateRefreshToken(grant.sid, aRotation("a"), aRecord());
      const again = (now: number) =>
        there.rotateRefreshToken(grant.sid, aRotation("a", { now, server: "two" }), aRecord());
      expect(await again(NOW - 60)).toBe("replayed");
      expect(await again(NOW + 69)).toBe("replayed");
      expect(await again(NOW + 70)).toBe("reused");
    });

    it("rejects a token of another grant, and of one that has ended", async () => {
      await using opened = await open();
      const { here, grant } = await withGrant(opened);
      expect(await here.rotateRefreshToken(grant.sid, aRotation("b"), aRecord())).toBe("unknown");
      expect(await here.rotateRefreshToken("another", aRotation("a"), aRecord())).toBe("unknown");
      expect(await here.rotateRefreshToken(grant.sid, aRotation("a", { now: grant.idleUntil }), aRecord())).toBe(
        "unknown",
      );
      const late = { now: grant.idleUntil - 1, idleUntil: grant.expiresAt + 500 };
      expect(await here.rotateRefreshToken(grant.sid, aRotation("a", late), aRecord())).toBe("rotated");
      expect(await here.rotateRefreshToken(grant.sid, aRotation("a+", { now: grant.expiresAt }), aRecord())).toBe(
        "unknown",
      );
    });

    it("rotates once, however many requests present a token concurrently in two processes", async () => {
      await using opened = await open();
      const { grant } = await withGrant(opened);
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, (_, at) =>
          (at % 2 ? opened.here : opened.there).rotateRefreshToken(grant.sid, aRotation("a"), aRecord()),
        ),
      );
      expect(outcomes.toSorted()).toEqual([...Array(15).fill("replayed"), "rotated"]);
    });

    it("leaves nothing of a grant that is revoked during a rotation", async () => {
      await using opened = await open();
      for (const round of ["a", "b", "c", "d", "e"]) {
        const grant = aGrant();
        await opened.here.addGrant(grant, { hash: round, sequence: 0 }, aRecord());
        const rotating = opened.here.rotateRefreshToken(grant.sid, aRotation(round), aRecord());
        await opened.there.revoke({ kind: "subject", id: grant.subject, until: NOW }, aRecord());
        await rotating;
        for (const hash of [round, `${round}+`]) {
          expect(await opened.here.rotateRefreshToken(grant.sid, aRotation(hash), aRecord())).toBe("unknown");
          expect(await opened.here.findGrant(hash)).toBeUndefined();
        }
      }
    });
  });

  describe("pruneGrants", () => {
    it("deletes expired grants, and no other", async () => {
      await using opened = await open();
      const { here, grant } = await withGrant(opened);
      expect(await here.pruneGrants(grant.idleUntil - 1, 1000)).toEqual({ count: 0, more: false });
      expect(await here.pruneGrants(grant.idleUntil, 1000)).toEqual({ count: 1, more: false });
      expect(await here.findGrant("a")).toBeUndefined();
    });
  });
}

async function withGrant({ here, there }: Awaited<ReturnType<Open>>) {
  const grant = aGrant();
  await here.addGrant(grant, { hash: "a", sequence: 0 }, aRecord());
  return { here, there, grant };
}

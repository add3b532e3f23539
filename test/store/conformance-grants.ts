import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aRecord, aSession, aTurn } from "./samples.ts";

export function describeSessions(open: Open): void {
  describe("addGrant", () => {
    it("adds a session that its refresh token finds, as it was", async () => {
      await using opened = await open();
      const { scope, ...unscoped } = aSession();
      const several = aSession({ audience: ["orders", '["payments"]', "ünïcode, with a comma"] });
      for (const session of [aSession(), unscoped, several, aSession({ audience: '["orders"]' })]) {
        expect(await opened.here.addGrant(session, { hash: session.sid, sequence: 0 }, aRecord())).toBe("added");
        expect(await opened.there.findGrant(session.sid)).toEqual(session);
      }
      expect(await opened.there.findGrant("another")).toBeUndefined();
    });

    it("adds none where its subject or client was revoked after its first token was made", async () => {
      await using opened = await open();
      for (const [kind, by] of [["subject", "subject"] as const, ["client", "clientId"] as const]) {
        const session = aSession();
        const { sequence } = await opened.here.position();
        const revoked = await opened.there.revoke({ kind, id: session[by], until: NOW + 900 }, aRecord());
        const first = { hash: session.sid, sequence };
        expect(await opened.here.addGrant(session, first, aRecord())).toBe("revoked");
        expect(await opened.here.addGrant(session, { ...first, sequence: revoked }, aRecord())).toBe("added");
      }
    });
  });

  describe("rotateRefreshToken", () => {
    it("puts the next token in the place of the one that was presented, and records it", async () => {
      await using opened = await open();
      const { here, there, session } = await withSession(opened);
      expect(await here.rotateRefreshToken(session.sid, aTurn("a"), aRecord({ action: "turn" }))).toBe("rotated");
      expect(await there.rotateRefreshToken(session.sid, aTurn("a+"), aRecord({ action: "turn" }))).toBe("rotated");
      expect((await here.findGrant("a++"))?.sid).toBe(session.sid);
      expect(await here.listAudit({ action: "turn", limit: 10 })).toHaveLength(2);
    });

    it("replays a used token within the window to the second, and tells of its reuse after that", async () => {
      await using opened = await open();
      const { here, there, session } = await withSession(opened);
      await here.rotateRefreshToken(session.sid, aTurn("a"), aRecord());
      await here.rotateRefreshToken(session.sid, aTurn("a+"), aRecord());
      const again = (now: number) => there.rotateRefreshToken(session.sid, aTurn("a", { now }), aRecord());
      expect(await again(NOW + 9)).toBe("replayed");
      expect(await again(NOW + 10)).toBe("reused");
    });

    it("replays for a minute more at a server whose clock did not tell when the token was used", async () => {
      await using opened = await open();
      const { here, there, session } = await withSession(opened);
      await here.rotateRefreshToken(session.sid, aTurn("a"), aRecord());
      const again = (now: number) =>
        there.rotateRefreshToken(session.sid, aTurn("a", { now, server: "two" }), aRecord());
      expect(await again(NOW - 60)).toBe("replayed");
      expect(await again(NOW + 69)).toBe("replayed");
      expect(await again(NOW + 70)).toBe("reused");
    });

    it("knows no token of another session, and none of one that has ended", async () => {
      await using opened = await open();
      const { here, session } = await withSession(opened);
      expect(await here.rotateRefreshToken(session.sid, aTurn("b"), aRecord())).toBe("unknown");
      expect(await here.rotateRefreshToken("another", aTurn("a"), aRecord())).toBe("unknown");
      expect(await here.rotateRefreshToken(session.sid, aTurn("a", { now: session.idleUntil }), aRecord())).toBe(
        "unknown",
      );
      const late = { now: session.idleUntil - 1, idleUntil: session.expiresAt + 500 };
      expect(await here.rotateRefreshToken(session.sid, aTurn("a", late), aRecord())).toBe("rotated");
      expect(await here.rotateRefreshToken(session.sid, aTurn("a+", { now: session.expiresAt }), aRecord())).toBe(
        "unknown",
      );
    });

    it("rotates once, however many present one token at once in two processes", async () => {
      await using opened = await open();
      const { session } = await withSession(opened);
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          (at % 2 ? opened.here : opened.there).rotateRefreshToken(session.sid, aTurn("a"), aRecord()),
        ),
      );
      expect(outcomes.toSorted()).toEqual([...Array(29).fill("replayed"), "rotated"]);
    });

    it("leaves nothing of a session that is revoked while it turns", async () => {
      await using opened = await open();
      for (const round of ["a", "b", "c", "d", "e"]) {
        const session = aSession();
        await opened.here.addGrant(session, { hash: round, sequence: 0 }, aRecord());
        const turning = opened.here.rotateRefreshToken(session.sid, aTurn(round), aRecord());
        await opened.there.revoke({ kind: "subject", id: session.subject, until: NOW }, aRecord());
        await turning;
        for (const hash of [round, `${round}+`]) {
          expect(await opened.here.rotateRefreshToken(session.sid, aTurn(hash), aRecord())).toBe("unknown");
          expect(await opened.here.findGrant(hash)).toBeUndefined();
        }
      }
    });
  });

  describe("pruneGrants", () => {
    it("forgets sessions that have ended, and no other", async () => {
      await using opened = await open();
      const { here, session } = await withSession(opened);
      expect(await here.pruneGrants(session.idleUntil - 1, 1000)).toEqual({ count: 0, more: false });
      expect(await here.pruneGrants(session.idleUntil, 1000)).toEqual({ count: 1, more: false });
      expect(await here.findGrant("a")).toBeUndefined();
    });
  });
}

async function withSession({ here, there }: Awaited<ReturnType<Open>>) {
  const session = aSession();
  await here.addGrant(session, { hash: "a", sequence: 0 }, aRecord());
  return { here, there, session };
}

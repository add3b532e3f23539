import { describe, expect, it } from "vitest";
import type { Open } from "./conformance.ts";
import { aCode, aRecord, aRedemption, aRotation, aSignIn, FREE } from "./samples.ts";

export function describeRedemptions(open: Open): void {
  describe("redeemCode", () => {
    it("exchanges a code once for a grant with its refresh token, and keeps which grant it was", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { code } = await withCode(opened);
      const redemption = aRedemption(code, { refreshHash: "refresh" });
      const { grant } = redemption;
      expect(await there.redeemCode(code.hash, redemption, aRecord())).toBe("redeemed");
      expect(await here.findGrant("refresh")).toEqual(grant);
      expect(await here.findCode(code.hash)).toEqual({ ...code, grantSid: grant.sid });
      expect(await here.redeemCode(code.hash, aRedemption(code, { refreshHash: "other" }), aRecord())).toBe("used");
      expect(await here.findGrant("other")).toBeUndefined();
      expect(await here.findCode(code.hash)).toEqual({ ...code, grantSid: grant.sid });
      expect(await here.rotateRefreshToken(grant.sid, aRotation("refresh"), aRecord())).toBe("rotated");
    });

    it("adds a grant without a refresh token", async () => {
      await using opened = await open();
      const { code } = await withCode(opened);
      const redemption = aRedemption(code, { refreshHash: undefined });
      expect(await opened.here.redeemCode(code.hash, redemption, aRecord())).toBe("redeemed");
      expect(await opened.there.findGrantBySid(redemption.grant.sid)).toEqual(redemption.grant);
    });

    it("exchanges no unknown, ended or revoked code", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const redeem = async (code: ReturnType<typeof aCode>, sequence = Number.MAX_SAFE_INTEGER) => {
        const redemption = aRedemption(code, { sequence });
        const outcome = await here.redeemCode(code.hash, redemption, aRecord());
        expect(await there.findGrantBySid(redemption.grant.sid)).toBeUndefined();
        return outcome;
      };
      expect(await redeem(aCode(aSignIn()))).toBe("unknown");
      const [ended, ofSession] = [await withCode(opened), await withCode(opened)];
      await there.endCode(ended.code.hash, aRecord());
      expect(await redeem(ended.code)).toBe("unknown");
      await there.revoke({ kind: "session", id: ofSession.signIn.sid }, aRecord());
      expect(await redeem(ofSession.code)).toBe("unknown");
      for (const [kind, by] of [["subject", "subject"] as const, ["client", "clientId"] as const]) {
        const { code } = await withCode(opened);
        const { sequence } = await here.position();
        await there.revoke({ kind, id: code[by] }, aRecord());
        expect(await redeem(code)).toBe("unknown");
        expect(await redeem(code, sequence)).toBe("revoked");
      }
    });

    it("exchanges a code once, however many ask concurrently in two processes", async () => {
      await using opened = await open();
      const { code } = await withCode(opened);
      const redemptions = Array.from({ length: 16 }, () => aRedemption(code));
      const redeeming = redemptions.map((redemption, at) =>
        (at % 2 ? opened.here : opened.there).redeemCode(code.hash, redemption, aRecord()),
      );
      const outcomes = await Promise.all(redeeming);
      expect(outcomes.toSorted()).toEqual(["redeemed", ...Array(15).fill("used")]);
      const { grantSid } = (await opened.here.findCode(code.hash)) ?? {};
      expect(redemptions[outcomes.indexOf("redeemed")]?.grant.sid).toBe(grantSid);
      expect(await opened.here.findGrantIds(code)).toEqual([grantSid]);
    });

    it("leaves no grant where its session is revoked during the exchange", async () => {
      await using opened = await open();
      for (let round = 0; round < 10; round += 1) {
        const { signIn, code } = await withCode(opened);
        const redemption = aRedemption(code);
        const redeeming = opened.here.redeemCode(code.hash, redemption, aRecord());
        await opened.there.revoke({ kind: "session", id: signIn.sid }, aRecord());
        await redeeming;
        expect(await opened.here.findGrantBySid(redemption.grant.sid)).toBeUndefined();
      }
    });
  });

  describe("endCode", () => {
    it("deletes a code that was not used, and no other", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [{ code }, used] = [await withCode(opened), await withCode(opened)];
      await here.redeemCode(used.code.hash, aRedemption(used.code), aRecord());
      const record = aRecord();
      expect(await there.endCode(code.hash, record)).toBe("ended");
      expect(await there.endCode(code.hash, aRecord())).toBe("unknown");
      expect(await there.endCode(used.code.hash, aRecord())).toBe("unknown");
      expect(await here.findCode(code.hash)).toBeUndefined();
      expect(await here.findCode(used.code.hash)).toBeDefined();
      expect(await here.listAudit({ limit: 1 })).toEqual([record]);
    });
  });
}

/** A stored session with a code. */
async function withCode({ here }: Awaited<ReturnType<Open>>) {
  const signIn = aSignIn();
  const code = aCode(signIn);
  await here.addSignIn(signIn, 0, aRecord());
  await here.addCode(code, FREE, aRecord());
  return { signIn, code };
}

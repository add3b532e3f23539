import { describe, expect, it } from "vitest";
import type { LogoutNotice } from "../../src/store/sign-in.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aCode, aRecord, aRedemption, aSignIn, FREE } from "./samples.ts";

const DAY = 86_400;
const all = { limit: 1000, lease: 60 };

export function describeLogouts(open: Open): void {
  describe("logout notices", () => {
    it.each(["session", "subject"] as const)("become due when the %s is revoked, and no other does", async (kind) => {
      await using opened = await open();
      const { here, there } = opened;
      const [ended, other] = [await signedIn(opened), await signedIn(opened)];
      expect(await here.takeLogouts(NOW + DAY, all)).toEqual([]);
      const id = kind === "session" ? ended.signIn.sid : ended.signIn.subject;
      await there.revoke({ kind, id }, aRecord({ at: NOW + 5 }));
      expect(await here.takeLogouts(NOW + 4, all)).toEqual([]);
      expect(inOrder(await here.takeLogouts(NOW + 5, all))).toEqual(inOrder(ended.notices));
      expect(other.notices).toHaveLength(2);
    });

    it("do not become due when a grant or a client is revoked", async () => {
      await using opened = await open();
      const { grants } = await signedIn(opened);
      for (const { sid, clientId } of grants) {
        await opened.there.revoke({ kind: "session", id: sid }, aRecord());
        await opened.there.revoke({ kind: "client", id: clientId }, aRecord());
      }
      expect(await opened.here.takeLogouts(NOW + DAY, all)).toEqual([]);
    });

    it("are stored once for a client that redeems several codes of a session, and only where it asks", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { signIn, notices } = await signedIn(opened);
      await redeem(opened, signIn, { clientId: notices[0]?.clientId ?? "" });
      await redeem(opened, signIn, { clientId: "silent", notify: false });
      await there.revoke({ kind: "session", id: signIn.sid }, aRecord());
      expect(inOrder(await here.takeLogouts(NOW, all))).toEqual(inOrder(notices));
    });

    it("are removed with their client", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [client, signIn] = [aClient(), aSignIn()];
      await here.addClient(client, aRecord());
      await here.addSignIn(signIn, 0, aRecord());
      await redeem(opened, signIn, { clientId: client.clientId });
      await there.revoke({ kind: "session", id: signIn.sid }, aRecord());
      await there.removeClient(client.clientId, aRecord());
      expect(await here.takeLogouts(NOW, all)).toEqual([]);
    });
  });

  describe("takeLogouts", () => {
    it("gives each due notice to one of many servers, and again after its lease", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const notices: LogoutNotice[] = [];
      for (let session = 0; session < 10; session += 1) {
        const ended = await signedIn(opened);
        await here.revoke({ kind: "session", id: ended.signIn.sid }, aRecord());
        notices.push(...ended.notices);
      }
      const taken = await Promise.all(
        Array.from({ length: 8 }, (_, at) => (at % 2 ? here : there).takeLogouts(NOW, { limit: 3, lease: 60 })),
      );
      // One that is locked at this moment is left to a later call.
      taken.push(await here.takeLogouts(NOW, all));
      expect(taken.slice(0, -1).every(({ length }) => length <= 3)).toBe(true);
      expect(inOrder(taken.flat())).toEqual(inOrder(notices));
      expect(await there.takeLogouts(NOW + 59, all)).toEqual([]);
      expect(inOrder(await there.takeLogouts(NOW + 60, all))).toEqual(inOrder(notices));
    });

    it("gives the longest due first", async () => {
      await using opened = await open();
      const { here } = opened;
      const { signIn, notices } = await signedIn(opened);
      await here.revoke({ kind: "session", id: signIn.sid }, aRecord());
      const [first, second] = notices;
      if (first === undefined || second === undefined) expect.fail();
      await here.postponeLogout(first, NOW + 2);
      await here.postponeLogout(second, NOW + 1);
      const taken = await here.takeLogouts(NOW + 9, { limit: 1, lease: 60 });
      expect(taken).toEqual([{ ...second, attempts: 1 }]);
    });
  });

  describe("postponeLogout and finishLogout", () => {
    it("count failed attempts, set the next, and delete a notice", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { signIn, notices } = await signedIn(opened);
      await here.revoke({ kind: "session", id: signIn.sid }, aRecord());
      const [late, done] = notices;
      if (late === undefined || done === undefined) expect.fail();
      await here.takeLogouts(NOW, all);
      for (const attempts of [1, 2]) {
        await there.postponeLogout(late, NOW + attempts * 300);
        expect(await here.takeLogouts(NOW + attempts * 300 - 1, { ...all, lease: 1 })).not.toContainEqual({
          ...late,
          attempts,
        });
        expect(await here.takeLogouts(NOW + attempts * 300, { ...all, lease: 1 })).toContainEqual({
          ...late,
          attempts,
        });
      }
      await there.finishLogout(done);
      await there.finishLogout(done);
      await there.postponeLogout(done, NOW);
      expect(await here.takeLogouts(NOW + DAY, all)).toEqual([{ ...late, attempts: 2 }]);
    });
  });

  describe("pruneSignInData, of logout notices", () => {
    it("retains one as long as its session, beyond its grant", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const signIn = aSignIn({ expiresAt: NOW + 1000 });
      await here.addSignIn(signIn, 0, aRecord());
      const { notice } = await redeem(opened, signIn, { until: NOW + 10 });
      // The code alone.
      expect(await there.pruneSignInData(NOW + 999, 10)).toEqual({ count: 1, more: false });
      const { sid } = signIn;
      await there.renewSignIn(sid, { ...signIn, expiresAt: NOW + 2000, sequence: 0 }, aRecord());
      expect(await there.pruneSignInData(NOW + 1999, 10)).toEqual({ count: 0, more: false });
      await here.revoke({ kind: "session", id: sid }, aRecord());
      expect(await here.takeLogouts(NOW, { ...all, lease: 1 })).toEqual([notice]);
    });

    it("retains one as long as its grant, beyond its session, and a day after it became due", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const signIn = aSignIn({ expiresAt: NOW + 10 });
      await here.addSignIn(signIn, 0, aRecord());
      await redeem(opened, signIn, { until: NOW + 1000 });
      expect(await there.pruneSignInData(NOW + 999, 10)).toEqual({ count: 1, more: false });
      await here.revoke({ kind: "session", id: signIn.sid }, aRecord({ at: NOW + 999 }));
      expect(await there.pruneSignInData(NOW + 999 + DAY - 1, 10)).toEqual({ count: 0, more: false });
      expect(await here.takeLogouts(NOW + 999, { ...all, lease: 1 })).toHaveLength(1);
      expect(await there.pruneSignInData(NOW + 999 + DAY, 10)).toEqual({ count: 1, more: false });
      expect(await here.takeLogouts(NOW + DAY * 2, all)).toEqual([]);
    });
  });
}

type Opened = Awaited<ReturnType<Open>>;

/** Redeems a code of a session. Returns the grant, and the notice that is stored where the client asks for one. */
async function redeem(
  { here }: Opened,
  signIn: ReturnType<typeof aSignIn>,
  { clientId, notify = true, until = NOW + 1000 }: { clientId?: string; notify?: boolean; until?: number } = {},
) {
  const code = aCode(signIn, clientId === undefined ? {} : { clientId });
  await here.addCode(code, FREE, aRecord());
  const redemption = aRedemption(code, { notify, until });
  expect(await here.redeemCode(code.hash, redemption, aRecord())).toBe("redeemed");
  const notice = { sid: signIn.sid, clientId: code.clientId, subject: signIn.subject, attempts: 0 };
  return { grant: redemption.grant, notice };
}

/** A session with grants of two clients that are to be notified. */
async function signedIn(opened: Opened) {
  const signIn = aSignIn();
  await opened.here.addSignIn(signIn, 0, aRecord());
  const redeemed = [await redeem(opened, signIn), await redeem(opened, signIn)];
  return { signIn, grants: redeemed.map(({ grant }) => grant), notices: redeemed.map(({ notice }) => notice) };
}

function inOrder(notices: readonly LogoutNotice[]): LogoutNotice[] {
  return notices.toSorted((a, b) => (`${a.sid} ${a.clientId}` < `${b.sid} ${b.clientId}` ? -1 : 1));
}

import { describe, expect, it } from "vitest";
import type { SignIn } from "../../src/store/sign-in.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aCode, aGrant, aRecord, aRotation, aSignIn, FREE } from "./samples.ts";

/** A position after every revocation. */
const sequence = Number.MAX_SAFE_INTEGER;

export function describeSignIns(open: Open): void {
  describe("addSignIn", () => {
    it("adds a session, which its secret and its sid find unchanged", async () => {
      await using opened = await open();
      const { scope: _, ...unscoped } = aSignIn({ claims: {}, profile: {} });
      for (const signIn of [aSignIn(), unscoped]) {
        expect(await opened.here.addSignIn(signIn, 0, aRecord())).toBe("added");
        expect(await opened.there.findSignIn(signIn.hash)).toEqual(signIn);
        expect(await opened.there.findSignInBySid(signIn.sid)).toEqual(signIn);
        expect(await opened.there.findSignIn(signIn.sid)).toBeUndefined();
        expect(await opened.there.findSignInBySid(signIn.hash)).toBeUndefined();
      }
    });

    it("adds none where its subject was revoked since it was known who the person is", async () => {
      await using opened = await open();
      const signIn = aSignIn();
      const { sequence } = await opened.here.position();
      const revoked = await opened.there.revoke({ kind: "subject", id: signIn.subject }, aRecord());
      expect(await opened.here.addSignIn(signIn, sequence, aRecord())).toBe("revoked");
      expect(await opened.there.findSignInBySid(signIn.sid)).toBeUndefined();
      expect(await opened.here.addSignIn(signIn, revoked, aRecord())).toBe("added");
    });
  });

  describe("renewSignIn", () => {
    it("replaces the secret and the data: the earlier secret finds nothing", async () => {
      await using opened = await open();
      const signIn = aSignIn();
      const { hash, profile, authTime, expiresAt } = aSignIn({ profile: { name: "Eve" }, authTime: NOW, expiresAt: 1 });
      const change = { hash, claims: {}, profile, authTime, expiresAt };
      await opened.here.addSignIn(signIn, 0, aRecord());
      expect(await opened.there.renewSignIn(signIn.sid, { ...change, sequence }, aRecord())).toBe("renewed");
      const { sid, subject, createdAt } = signIn;
      expect(await opened.here.findSignIn(hash)).toEqual({ sid, subject, createdAt, ...change });
      expect(await opened.here.findSignIn(signIn.hash)).toBeUndefined();
    });

    it("changes nothing where the session is unknown, or its subject was revoked since", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [signIn, change] = [aSignIn(), aSignIn()];
      expect(await here.renewSignIn(signIn.sid, { ...change, sequence }, aRecord())).toBe("unknown");
      const position = await here.position();
      const revoked = await there.revoke({ kind: "subject", id: signIn.subject }, aRecord());
      await here.addSignIn(signIn, revoked, aRecord());
      const late = { ...change, sequence: position.sequence };
      expect(await here.renewSignIn(signIn.sid, late, aRecord())).toBe("revoked");
      expect(await there.findSignIn(signIn.hash)).toEqual(signIn);
    });
  });

  describe("listSignIns", () => {
    it("lists the sessions of a subject that have not expired, newest first, page by page, without their secrets", async () => {
      await using opened = await open();
      const of = (fields: Partial<SignIn>) => aSignIn({ subject: "ada", ...fields });
      const live = [of({ createdAt: NOW + 1 }), of({}), of({}), of({ createdAt: NOW - 3 })];
      for (const signIn of [of({ expiresAt: NOW }), aSignIn(), ...live])
        await opened.here.addSignIn(signIn, 0, aRecord());
      const inOrder = live.toSorted((a, b) => b.createdAt - a.createdAt || (a.sid < b.sid ? 1 : -1));
      const listed = inOrder.map(({ hash: _, claims: __, profile: ___, scope: ____, ...signIn }) => signIn);
      const query = { subject: "ada", now: NOW };
      expect(await opened.there.listSignIns({ ...query, limit: 10 })).toEqual(listed);
      for (const at of [0, 1, 2])
        expect(await opened.there.listSignIns({ ...query, before: listed[at], limit: 1 })).toEqual([listed[at + 1]]);
      expect(await opened.there.listSignIns({ ...query, before: listed[3], limit: 1 })).toEqual([]);
      expect(await opened.there.listSignIns({ ...query, subject: "ad_", limit: 1 })).toEqual([]);
    });
  });

  describe("revoke, of people", () => {
    it("ends a session with its grants and codes, and no other", async () => {
      await using opened = await open();
      const [ended, other] = [await signedIn(opened), await signedIn(opened)];
      await opened.there.revoke({ kind: "session", id: ended.signIn.sid }, aRecord());
      expect(await contentOf(opened, ended)).toEqual({});
      expect(await contentOf(opened, other)).toEqual(other);
      expect(await opened.here.rotateRefreshToken(ended.grant.sid, aRotation(ended.grant.sid), aRecord())).toBe(
        "unknown",
      );
    });

    it("ends a subject with its sessions, grants and codes, and no other", async () => {
      await using opened = await open();
      const [ended, other] = [await signedIn(opened), await signedIn(opened)];
      await opened.there.revoke({ kind: "subject", id: ended.signIn.subject }, aRecord());
      expect(await contentOf(opened, ended)).toEqual({});
      expect(await contentOf(opened, other)).toEqual(other);
    });

    it("ends a grant alone: its session, and the other grants and codes of that, stay", async () => {
      await using opened = await open();
      const { grant, ...rest } = await signedIn(opened);
      const sibling = aGrant({ signIn: rest.signIn.sid });
      await opened.here.addGrant(sibling, { hash: sibling.sid, sequence: 0 }, aRecord());
      await opened.there.revoke({ kind: "session", id: grant.sid }, aRecord());
      expect(await contentOf(opened, { grant, ...rest })).toEqual(rest);
      expect(await opened.here.findGrantBySid(sibling.sid)).toEqual(sibling);
    });

    it("ends the grants and codes of a client, and no session", async () => {
      await using opened = await open();
      const [{ signIn, ...ended }, other] = [await signedIn(opened), await signedIn(opened)];
      await opened.there.revoke({ kind: "client", id: ended.code.clientId }, aRecord());
      expect(await contentOf(opened, { signIn, ...ended })).toEqual({ signIn });
      expect(await contentOf(opened, other)).toEqual(other);
    });

    it("leaves no code of a session that is revoked while the code is added", async () => {
      await using opened = await open();
      for (let round = 0; round < 10; round += 1) {
        const signIn = aSignIn();
        await opened.here.addSignIn(signIn, 0, aRecord());
        const code = aCode(signIn);
        const adding = opened.here.addCode(code, FREE, aRecord());
        await opened.there.revoke({ kind: "session", id: signIn.sid }, aRecord());
        await adding;
        expect(await opened.here.findCode(code.hash)).toBeUndefined();
      }
    });
  });
}

type Opened = Awaited<ReturnType<Open>>;

/** A session with a code and a grant of the same client. */
async function signedIn({ here }: Opened) {
  const signIn = aSignIn();
  const code = aCode(signIn);
  const grant = aGrant({ signIn: signIn.sid, subject: signIn.subject, clientId: code.clientId });
  await here.addSignIn(signIn, 0, aRecord());
  await here.addCode(code, FREE, aRecord());
  await here.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord());
  return { signIn, code, grant };
}

/** What is left of that. */
async function contentOf({ here }: Opened, { signIn, code, grant }: Awaited<ReturnType<typeof signedIn>>) {
  const found = {
    signIn: await here.findSignInBySid(signIn.sid),
    code: await here.findCode(code.hash),
    grant: await here.findGrant(grant.sid),
  };
  return Object.fromEntries(Object.entries(found).filter(([, one]) => one !== undefined));
}

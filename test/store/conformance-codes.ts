import { describe, expect, it } from "vitest";
import type { CodeChange } from "../../src/store/sign-in-store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aCode, aConsent, aDeviceRequest, aRecord, aRequest, aSignIn, FREE, unique } from "./samples.ts";

export function describeCodes(open: Open): void {
  describe("addCode", () => {
    it("adds a code, which its hash finds unchanged", async () => {
      await using opened = await open();
      const { signIn } = await withSignIn(opened);
      const {
        scope: _,
        nonce: __,
        redirectUri: ___,
        challenge: ____,
        ...device
      } = aCode(signIn, { audience: "orders" });
      for (const code of [aCode(signIn), device]) {
        const record = aRecord();
        expect(await opened.here.addCode(code, FREE, record)).toBe("added");
        expect(await opened.there.findCode(code.hash)).toEqual(code);
        expect(await opened.there.listAudit({ limit: 1 })).toEqual([record]);
      }
      expect(await opened.there.findCode("another")).toBeUndefined();
    });

    it("adds none of an unknown session, or where its subject or client was revoked since", async () => {
      await using opened = await open();
      const { here, there } = opened;
      expect(await here.addCode(aCode(aSignIn()), FREE, aRecord())).toBe("ended");
      for (const [kind, by] of [["subject", "subject"] as const, ["client", "clientId"] as const]) {
        const signIn = aSignIn();
        const code = aCode(signIn);
        const { sequence } = await here.position();
        const revoked = await there.revoke({ kind, id: code[by] }, aRecord());
        await here.addSignIn(signIn, revoked, aRecord());
        expect(await here.addCode(code, { ...FREE, sequence }, aRecord())).toBe("ended");
        expect(await here.addCode(code, { ...FREE, sequence: revoked }, aRecord())).toBe("added");
      }
    });

    it("unites the consents with those stored, and adds none without consent to every scope, host and resource", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { signIn, of } = await withSignIn(opened);
      const add = (change: Partial<CodeChange>) => there.addCode(aCode(signIn, of), { ...FREE, ...change }, aRecord());
      const [first, second] = [aConsent(of, { scopes: ["a", "b"] }), aConsent(of, { scopes: ["c", "a"], at: NOW + 9 })];
      const payments = aConsent(of, { audience: "payments", scopes: ["a"] });
      expect(await add({ consents: [first] })).toBe("not_agreed");
      expect(await here.findConsents(of)).toEqual([]);
      expect(await add({ consents: [first, payments], agrees: true })).toBe("added");
      expect(await add({ consents: [second] })).toBe("not_agreed");
      expect(await add({ consents: [second], agrees: true })).toBe("added");
      const stored = (await here.findConsents(of)).toSorted((a, b) => (a.audience < b.audience ? -1 : 1));
      const scopes = stored.map((consent) => consent.scopes.toSorted());
      expect(scopes).toEqual([["a", "b", "c"], ["a"]]);
      expect(stored.map(({ scopes: _, ...consent }) => consent)).toEqual(
        [{ ...second }, { ...payments }].map(({ scopes: _, ...consent }) => consent),
      );
      const agreed = aConsent(of, { scopes: ["c"] });
      expect(await add({ consents: [agreed, payments] })).toBe("added");
      expect(await add({ consents: [] })).toBe("added");
      for (const other of [
        aConsent(of, { scopes: ["c", "d"] }),
        aConsent(of, { host: "other.example", scopes: ["c"] }),
        aConsent(of, { audience: "other", scopes: ["c"] }),
      ])
        expect(await add({ consents: [agreed, other] })).toBe("not_agreed");
    });

    it("deletes the request that it answers, and adds one code for it, however many are tried concurrently", async () => {
      await using opened = await open();
      const { signIn, of } = await withSignIn(opened);
      const request = aRequest({ clientId: of.clientId });
      await opened.here.addAuthorizationRequest(request);
      const { outcomes, codes } = await addConcurrently(opened, signIn, { ...FREE, handle: request.handle });
      expect(outcomes).toEqual(["added", ...Array(19).fill("unknown")]);
      expect(codes).toHaveLength(1);
      expect(await opened.there.findAuthorizationRequest(request.handle)).toBeUndefined();
    });

    it("deletes the device request that it approves, and adds one code for it", async () => {
      await using opened = await open();
      const { signIn, of } = await withSignIn(opened);
      const [device, denied] = [aDeviceRequest({ clientId: of.clientId }), aDeviceRequest()];
      for (const one of [device, denied]) await opened.here.addDeviceRequest(one, aRecord());
      const { outcomes } = await addConcurrently(opened, signIn, { ...FREE, device: device.hash });
      expect(outcomes).toEqual(["added", ...Array(19).fill("unknown")]);
      expect(await opened.there.findDeviceRequest(device)).toBeUndefined();
      await opened.there.denyDeviceRequest(denied.hash, aRecord());
      expect(await opened.here.addCode(aCode(signIn), { ...FREE, device: denied.hash }, aRecord())).toBe("unknown");
      expect(await opened.there.findDeviceRequest(denied)).toEqual({ ...denied, denied: true });
    });

    it("leaves the request, the consents and the audit log where it adds none", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const { signIn, of } = await withSignIn(opened);
      const request = aRequest({ clientId: of.clientId });
      await here.addAuthorizationRequest(request);
      const before = await here.listAudit({ limit: 9 });
      const consents = [aConsent(of)];
      const { handle } = request;
      expect(await there.addCode(aCode(signIn, of), { ...FREE, consents, handle }, aRecord())).toBe("not_agreed");
      expect(await there.addCode(aCode(aSignIn(), of), { ...FREE, handle }, aRecord())).toBe("ended");
      const gone = { ...FREE, consents, agrees: true, handle: "gone" };
      expect(await there.addCode(aCode(signIn, of), gone, aRecord())).toBe("unknown");
      expect(await here.findAuthorizationRequest(handle)).toEqual(request);
      expect(await here.findConsents(of)).toEqual([]);
      expect(await here.listAudit({ limit: 9 })).toEqual(before);
    });
  });
}

type Opened = Awaited<ReturnType<Open>>;

/** A stored session, and a subject with a client. */
async function withSignIn({ here }: Opened) {
  const signIn = aSignIn();
  await here.addSignIn(signIn, 0, aRecord());
  return { signIn, of: { subject: signIn.subject, clientId: unique("client-") } };
}

/** Adds 20 codes in two processes at once. */
async function addConcurrently(opened: Opened, signIn: ReturnType<typeof aSignIn>, change: CodeChange) {
  const tried = Array.from({ length: 20 }, () => aCode(signIn));
  const adding = tried.map((code, at) => (at % 2 ? opened.here : opened.there).addCode(code, change, aRecord()));
  const outcomes = (await Promise.all(adding)).toSorted();
  const found = await Promise.all(tried.map(({ hash }) => opened.here.findCode(hash)));
  return { outcomes, codes: found.filter((code) => code !== undefined) };
}

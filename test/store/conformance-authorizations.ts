import { describe, expect, it } from "vitest";
import type { SignedInPerson } from "../../src/store/authorization.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import {
  aClient,
  aCode,
  aConsent,
  aDeviceRequest,
  aGrant,
  aRecord,
  aRequest,
  aSignIn,
  FREE,
  unique,
} from "./samples.ts";

export function describeAuthorizations(open: Open): void {
  describe("addAuthorizationRequest", () => {
    it("adds a request, which its handle finds unchanged", async () => {
      await using opened = await open();
      const { scope: _, maxAge: __, loginHint: ___, ...short } = aRequest({ audience: ["orders", "payments"] });
      const target = { kind: "redirect", redirectUri: "app:/", responseMode: "query", challenge: "challenge" } as const;
      const device = aRequest({ target: { kind: "device", hash: "hash", expiresAt: NOW + 600 } });
      for (const request of [aRequest(), short, aRequest({ target }), device]) {
        await opened.here.addAuthorizationRequest(request);
        expect(await opened.there.findAuthorizationRequest(request.handle)).toEqual(request);
      }
      expect(await opened.there.findAuthorizationRequest("another")).toBeUndefined();
      expect(await opened.here.listAudit({ limit: 1 })).toEqual([]);
    });
  });

  describe("setPerson", () => {
    it("stores who the person is under another handle, and audits that", async () => {
      await using opened = await open();
      const [request, other] = [aRequest(), aRequest()];
      for (const one of [request, other]) await opened.here.addAuthorizationRequest(one);
      const person: SignedInPerson = { subject: "ada", claims: { a: 1 }, profile: { name: "Ada" }, authTime: NOW };
      let { handle } = request;
      for (const known of [person, { ...person, scope: "read" }, "refused"] as const) {
        const record = aRecord();
        const answer = { person: known, handle: `${handle}+` };
        expect(await opened.there.setPerson(handle, answer, record)).toBe("set");
        expect(await opened.here.findAuthorizationRequest(answer.handle)).toEqual({ ...request, ...answer });
        expect(await opened.here.findAuthorizationRequest(handle)).toBeUndefined();
        expect(await opened.here.listAudit({ limit: 1 })).toEqual([record]);
        handle = answer.handle;
      }
      expect(await opened.here.findAuthorizationRequest(other.handle)).toEqual(other);
      expect(await opened.here.setPerson("another", { person, handle: "b" }, aRecord())).toBe("unknown");
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(3);
    });

    it("is done once, however many ask concurrently in two processes", async () => {
      await using opened = await open();
      const request = aRequest();
      await opened.here.addAuthorizationRequest(request);
      const answers = Array.from({ length: 20 }, (_, at) => {
        const answer = { person: "refused", handle: `${request.handle}${at}` } as const;
        return (at % 2 ? opened.here : opened.there).setPerson(request.handle, answer, aRecord());
      });
      expect((await Promise.all(answers)).toSorted()).toEqual(["set", ...Array(19).fill("unknown")]);
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(1);
    });
  });

  describe("takePerson", () => {
    it("forgets who the person is, for one of those who ask concurrently in two processes", async () => {
      await using opened = await open();
      const [request, other] = [aRequest(), aRequest()];
      for (const one of [request, other]) {
        await opened.here.addAuthorizationRequest(one);
        await opened.here.setPerson(one.handle, { person: "refused", handle: one.handle }, aRecord());
      }
      const takes = Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? opened.here : opened.there).takePerson(request.handle),
      );
      expect((await Promise.all(takes)).toSorted()).toEqual(["taken", ...Array(19).fill("unknown")]);
      expect(await opened.there.findAuthorizationRequest(request.handle)).toEqual(request);
      expect(await opened.here.findAuthorizationRequest(other.handle)).toMatchObject({ person: "refused" });
      expect(await opened.here.takePerson("another")).toBe("unknown");
    });
  });

  describe("removeAuthorizationRequest", () => {
    it("removes a request once, however many ask concurrently in two processes, and audits that", async () => {
      await using opened = await open();
      const request = aRequest();
      await opened.here.addAuthorizationRequest(request);
      const removals = Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? opened.here : opened.there).removeAuthorizationRequest(request.handle, aRecord()),
      );
      expect((await Promise.all(removals)).toSorted()).toEqual(["removed", ...Array(19).fill("unknown")]);
      expect(await opened.there.findAuthorizationRequest(request.handle)).toBeUndefined();
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(1);
    });

    it("needs no audit record", async () => {
      await using opened = await open();
      const request = aRequest();
      await opened.here.addAuthorizationRequest(request);
      expect(await opened.there.removeAuthorizationRequest(request.handle)).toBe("removed");
      expect(await opened.here.listAudit({ limit: 1 })).toEqual([]);
    });
  });

  describe("listConsents", () => {
    it("lists the consents of a subject, newest first, with the names of the clients that exist", async () => {
      await using opened = await open();
      const client = aClient({ name: "billing" });
      await opened.here.addClient(client, aRecord());
      const [known, gone] = [
        { subject: "ada", clientId: client.clientId },
        { subject: "ada", clientId: "gone" },
      ];
      const consents = [
        aConsent(known, { at: NOW + 2 }),
        aConsent(gone, { at: NOW + 1 }),
        aConsent(gone, { host: "b" }),
      ];
      for (const consent of [...consents, aConsent({ subject: "eve", clientId: "gone" })]) await give(opened, consent);
      const [first, ...others] = consents;
      expect(await opened.there.listConsents("ada")).toEqual([{ ...first, clientName: "billing" }, ...others]);
      expect(await opened.there.listConsents("ad_")).toEqual([]);
    });
  });

  describe("removeConsents", () => {
    it("deletes the consents and unused codes of a subject for a client, no other, and ends no grant", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const signIn = aSignIn();
      const of = { subject: signIn.subject, clientId: unique("client-") };
      const others = [
        { ...of, subject: "eve" },
        { ...of, clientId: "other" },
      ];
      await here.addSignIn(signIn, 0, aRecord());
      for (const each of [of, ...others]) {
        await give(opened, aConsent(each));
        await give(opened, aConsent(each, { audience: "payments" }));
      }
      const [code, stranger] = [aCode(signIn, of), aCode(signIn, { clientId: "other" })];
      for (const one of [code, stranger]) await here.addCode(one, FREE, aRecord());
      const grant = aGrant({ ...of, signIn: signIn.sid });
      await here.addGrant(grant, { hash: "hash", sequence: 0 }, aRecord());

      const record = aRecord();
      expect(await there.removeConsents(of, record)).toBe(2);
      expect(await here.listAudit({ limit: 1 })).toEqual([record]);
      expect(await here.findConsents(of)).toEqual([]);
      for (const each of others) expect(await here.findConsents(each)).toHaveLength(2);
      expect(await here.findCode(code.hash)).toBeUndefined();
      expect(await here.findCode(stranger.hash)).toEqual(stranger);
      expect(await here.findGrant("hash")).toEqual(grant);
      expect(await there.removeConsents(of, aRecord())).toBe(0);
      expect(await here.listAudit({ limit: 1 })).toEqual([record]);
    });
  });

  describe("findGrantIds", () => {
    it("finds the grants of a subject to a client that came by a sign-in", async () => {
      await using opened = await open();
      const of = { subject: "ada", clientId: "client" };
      const found = [aGrant({ ...of, signIn: "one" }), aGrant({ ...of, signIn: "two" })];
      const others = [
        aGrant(of),
        aGrant({ signIn: "one", subject: "ada" }),
        aGrant({ signIn: "one", clientId: "client" }),
      ];
      for (const grant of [...found, ...others])
        await opened.here.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord());
      expect((await opened.there.findGrantIds(of)).toSorted()).toEqual(found.map(({ sid }) => sid).toSorted());
      expect(await opened.there.listGrants({ subject: "ada", now: NOW, limit: 9 })).toContainEqual(
        expect.objectContaining({ sid: found[0]?.sid, signIn: "one" }),
      );
    });
  });

  describe("removeClient, of people", () => {
    it("removes the consents, codes and requests of the client, and no other", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const [client, other] = [aClient(), aClient()];
      const signIn = aSignIn();
      await here.addSignIn(signIn, 0, aRecord());
      const added = [];
      for (const { clientId, ...rest } of [client, other]) {
        await here.addClient({ clientId, ...rest }, aRecord());
        const of = { subject: signIn.subject, clientId };
        const [code, request, device] = [aCode(signIn, of), aRequest({ clientId }), aDeviceRequest({ clientId })];
        await here.addCode(code, { ...FREE, consents: [aConsent(of)], agrees: true }, aRecord());
        await here.addAuthorizationRequest(request);
        await here.addDeviceRequest(device, aRecord());
        added.push({ of, code, request, device });
      }
      await there.removeClient(client.clientId, aRecord());
      for (const [at, { of, code, request, device }] of added.entries()) {
        expect(await here.findConsents(of)).toHaveLength(at);
        expect(await here.findCode(code.hash)).toEqual(at === 0 ? undefined : code);
        expect(await here.findAuthorizationRequest(request.handle)).toEqual(at === 0 ? undefined : request);
        expect(await here.findDeviceRequest(device)).toEqual(at === 0 ? undefined : device);
      }
      expect(await here.findSignInBySid(signIn.sid)).toEqual(signIn);
    });
  });
}

/** Stores a consent, as with a code. */
async function give({ here }: Awaited<ReturnType<Open>>, consent: ReturnType<typeof aConsent>): Promise<void> {
  const { subject, clientId } = consent;
  const signIn = aSignIn({ subject });
  await here.addSignIn(signIn, 0, aRecord());
  const code = aCode(signIn, { clientId });
  expect(await here.addCode(code, { ...FREE, consents: [consent], agrees: true }, aRecord())).toBe("added");
  await here.endCode(code.hash, aRecord());
}

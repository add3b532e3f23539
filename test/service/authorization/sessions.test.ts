import { describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { addClient } from "../../support/clients.ts";
import {
  authorizationRequest,
  codeFor,
  openBrowser,
  openPeople,
  REDIRECT_URI,
  VERIFIER,
} from "../../support/people.ts";

const FIRST_PARTY = { firstParty: true };
const page = { limit: 100 };

/** A person who is signed in, and the access token that their client got. */
async function openSignedIn() {
  const opened = await openPeople(FIRST_PARTY);
  const { service, browser, clientId, authenticate } = opened;
  const code = await codeFor(browser, authorizationRequest(clientId));
  const exchange = { code, redirectUri: REDIRECT_URI, verifier: VERIFIER, resources: [] };
  const { token } = await service.exchangeCode(await authenticate(), exchange);
  const { sessions } = await service.sessions.list(localCaller, { subject: "ada", ...page });
  return { ...opened, token, sid: sessions[0]?.sid ?? "none" };
}

describe("sessions.list", () => {
  it("has the sessions of a person, newest first, without what they prove or tell", async () => {
    await using opened = await openPeople(FIRST_PARTY);
    const { service, clientId, clock } = opened;
    const createdAt = [];
    for (const browser of [openBrowser(service), openBrowser(service), openBrowser(service)]) {
      createdAt.unshift(clock.now);
      await codeFor(browser, authorizationRequest(clientId), { more: { profile: { email: "ada@example.org" } } });
      clock.now += 10;
    }
    await codeFor(openBrowser(service), authorizationRequest(clientId), { subject: "bob" });
    const { sessions, next } = await service.sessions.list(localCaller, { subject: "ada", ...page });
    expect(next).toBeUndefined();
    expect(sessions).toEqual(
      createdAt.map((at) => ({
        sid: expect.stringMatching(/^[\w-]{22}$/),
        subject: "ada",
        authTime: at,
        createdAt: at,
        expiresAt: at + 7 * 86400,
      })),
    );
    const first = await service.sessions.list(localCaller, { subject: "ada", limit: 2 });
    const second = await service.sessions.list(localCaller, { subject: "ada", limit: 2, before: first.next });
    expect([...first.sessions, ...second.sessions]).toEqual(sessions);
    clock.now += 8 * 86400;
    expect(await service.sessions.list(localCaller, { subject: "ada", ...page })).toEqual({ sessions: [] });
  });
});

describe("sessions.revoke", () => {
  it("ends the session in its browser, and revokes the tokens that came by it", async () => {
    await using opened = await openSignedIn();
    const { service, browser, clientId, token, sid } = opened;
    await expect(service.verifyToken({ token })).resolves.toMatchObject({ sub: "ada", sid });
    expect(await service.sessions.revoke(localCaller, sid)).toEqual({ sequence: expect.any(Number) });
    await expect(service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
    expect((await browser.begin(authorizationRequest(clientId))).step).toBe("sign_in");
    expect(await service.sessions.list(localCaller, { subject: "ada", ...page })).toEqual({ sessions: [] });
  });

  it("is recorded, and is the same the second time", async () => {
    await using opened = await openSignedIn();
    const { service, sid } = opened;
    await service.sessions.revoke(localCaller, sid);
    expect(await service.sessions.revoke(localCaller, sid)).toEqual({ sequence: expect.any(Number) });
    const { records } = await service.audit.list(localCaller, { action: "sessions.revoke", limit: 10 });
    expect(records.map(({ subject, target, outcome }) => ({ subject, target, outcome }))).toEqual([
      { subject: undefined, target: sid, outcome: "allowed" },
      { subject: "ada", target: sid, outcome: "allowed" },
    ]);
  });

  it("revokes an unknown session, as after a restore, and says so", async () => {
    await using opened = await openPeople(FIRST_PARTY);
    const { service } = opened;
    expect(await service.sessions.revoke(localCaller, "lost")).toMatchObject({ unknownSession: true });
    expect(await service.sessions.revoke(localCaller, "lost")).not.toHaveProperty("unknownSession");
  });

  it("lets the permission sign_in end sessions, and no grant of another kind", async () => {
    await using opened = await openSignedIn();
    const { service, sid } = opened;
    const { token } = await service.getToken(localCaller, { claims: {}, refreshable: true });
    const grant = String((await service.verifyToken({ token })).sid);
    const caller = await service.authenticate(await addClient(service, { permissions: ["sign_in"] }), "192.0.2.1");
    await expect(service.sessions.revoke(caller, grant)).rejects.toMatchObject({ reason: "permission_denied" });
    await expect(service.verifyToken({ token })).resolves.toBeDefined();
    await expect(service.sessions.revoke(caller, sid)).resolves.toBeDefined();
  });
});

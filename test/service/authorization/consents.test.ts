import { describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { authorizationRequest, codeFor, openPeople, REDIRECT_URI, VERIFIER } from "../../support/people.ts";
import { ISSUER, NOW } from "../../support/service.ts";

const exchangeOf = (code: string) => ({ code, redirectUri: REDIRECT_URI, verifier: VERIFIER, resources: [] });

/** A person who has agreed, and the tokens that their client got. */
async function openAgreed(client: Parameters<typeof openPeople>[0] = {}) {
  const opened = await openPeople(client);
  const { service, browser, clientId, authenticate } = opened;
  const request = authorizationRequest(clientId, { scope: "openid orders:read offline_access" });
  const issued = await service.exchangeCode(await authenticate(), exchangeOf(await codeFor(browser, request)));
  return { ...opened, request, issued, of: { subject: "ada", clientId } };
}

describe("consents.list", () => {
  it("has what a person agreed to, and for which client", async () => {
    await using opened = await openAgreed();
    const { service, clientId } = opened;
    expect(await service.consents.list(localCaller, "ada")).toEqual([
      {
        subject: "ada",
        clientId,
        clientName: "shop",
        host: "shop.example",
        audience: ISSUER,
        scopes: expect.arrayContaining(["offline_access", "openid", "orders:read"]),
        at: NOW,
      },
    ]);
    expect(await service.consents.list(localCaller, "bob")).toEqual([]);
  });
});

describe("consents.revoke", () => {
  it("removes the consents, and revokes the grants with their tokens, but not the session", async () => {
    await using opened = await openAgreed();
    const { service, browser, authenticate, request, issued, of } = opened;
    expect(await service.consents.revoke(localCaller, of)).toEqual({ consents: 1, grants: 1 });
    expect(await service.consents.list(localCaller, "ada")).toEqual([]);
    await expect(service.verifyToken(issued)).rejects.toMatchObject({ reason: "token_revoked" });
    const { refreshToken = "" } = issued;
    await expect(service.refreshToken(await authenticate(), { refreshToken })).rejects.toMatchObject({
      reason: "invalid_refresh_token",
    });
    expect((await browser.begin(request)).step).toBe("consent");
  });

  it("ends a code that was not exchanged yet", async () => {
    await using opened = await openAgreed();
    const { service, browser, authenticate, request, of } = opened;
    const code = await codeFor(browser, request);
    await service.consents.revoke(localCaller, of);
    await expect(service.exchangeCode(await authenticate(), exchangeOf(code))).rejects.toThrow();
  });

  it("revokes the grants of a client that needs no consent, too", async () => {
    await using opened = await openAgreed({ firstParty: true });
    const { service, issued, of } = opened;
    expect(await service.consents.revoke(localCaller, of)).toEqual({ consents: 0, grants: 1 });
    await expect(service.verifyToken(issued)).rejects.toMatchObject({ reason: "token_revoked" });
  });

  it("ends nothing of others, and nothing the second time", async () => {
    await using opened = await openAgreed();
    const { service, issued, of } = opened;
    expect(await service.consents.revoke(localCaller, { ...of, subject: "bob" })).toEqual({ consents: 0, grants: 0 });
    expect(await service.consents.revoke(localCaller, { ...of, clientId: "x" })).toEqual({ consents: 0, grants: 0 });
    await expect(service.verifyToken(issued)).resolves.toMatchObject({ sub: "ada" });
    await service.consents.revoke(localCaller, of);
    expect(await service.consents.revoke(localCaller, of)).toEqual({ consents: 0, grants: 0 });
  });

  it("is recorded with the consents, and with each grant", async () => {
    await using opened = await openAgreed();
    const { service, issued, of } = opened;
    const { grant_id: grant } = await service.verifyToken(issued);
    await service.consents.revoke(localCaller, of);
    const { records } = await service.audit.list(localCaller, { action: "consents.revoke", limit: 10 });
    expect(records.map(({ subject, target }) => [subject, target])).toEqual([
      ["ada", grant],
      ["ada", of.clientId],
    ]);
  });
});

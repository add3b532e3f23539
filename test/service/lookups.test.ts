import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { Claims } from "../../src/token/claims.ts";
import { addClient } from "../support/clients.ts";
import { NOW } from "../support/service.ts";
import { expectLive, expectRevoked, issueGrant, openWithClient } from "../support/with-client.ts";

const DAY = 86_400;
const decode = (token: string): Claims => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
const find = (service: TokenService, token: string) => service.findToken(localCaller, decode(token).jti);

/** A revocation, by the clock of the store. */
const by = (kind: string) => ({ kind, at: expect.any(Number) });

describe("findToken", () => {
  it("reports when, to whom and how a token was issued, and whether it has expired", async () => {
    await using opened = await openWithClient();
    const { service, caller, clock } = opened;
    const { token } = await service.getToken(caller, { subject: "ada", claims: {}, expiresIn: 60 });
    const { jti } = decode(token);
    const issued = { at: NOW, clientId: caller.clientId, clientName: "test", subject: "ada", expiresAt: NOW + 60 };
    const found = await find(service, token);
    expect(found).toEqual({
      jti,
      issued: { ...issued, action: "getToken", kid: service.jwks().keys[0]?.kid },
      expired: false,
      revocations: [],
    });
    clock.now += 60;
    expect(await find(service, token)).toEqual({ ...found, expired: true });
    const grant = await issueGrant(service, caller);
    const refreshed = await service.refreshToken(caller, grant);
    const { sid } = decode(grant.token);
    expect((await find(service, grant.token)).issued).toMatchObject({ action: "getToken", sid });
    expect((await find(service, refreshed.token)).issued).toMatchObject({ action: "refreshToken", sid });
    expect(await service.findToken(localCaller, "unknown")).toEqual({ jti: "unknown", revocations: [] });
  });

  it("knows of a record without expiry only that the token has expired after the longest lifetime", async () => {
    await using opened = await openWithClient();
    const { service, store, clock } = opened;
    const record = { id: "0", at: NOW, action: "getToken", outcome: "allowed", jti: "a" } as const;
    await store.appendAudit([record]);
    expect(await service.findToken(localCaller, "a")).not.toHaveProperty("expired");
    clock.now += DAY;
    expect(await service.findToken(localCaller, "a")).toMatchObject({ expired: true });
  });

  it("reports who revoked a token, at the first time, and who did not", async () => {
    await using opened = await openWithClient();
    const { service, caller, clock } = opened;
    const { token } = await service.getToken(caller, { claims: {} });
    const other = await service.authenticate(await addClient(service), "192.0.2.1");
    await expect(service.revokeToken(other, token)).rejects.toMatchObject({ reason: "permission_denied" });
    expect((await find(service, token)).revocations).toEqual([]);
    await service.revokeToken(caller, token);
    clock.now += 10;
    await service.revokeToken(localCaller, token);
    const revocation = { kind: "token", at: NOW, clientId: caller.clientId, clientName: "test" };
    expect((await find(service, token)).revocations).toEqual([revocation]);
  });

  it.each(["session", "subject", "client", "key"] as const)("reports that its %s was revoked since", async (kind) => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const before = await issueGrant(service, caller);
    const { sid = "", sub, client_id } = decode(before.token);
    const [key] = service.jwks().keys;
    if (kind === "session") await service.revokeGrant(localCaller, sid);
    else if (kind === "key") await service.keys.revoke(localCaller, key?.kid ?? "");
    else await service.revokeAll(localCaller, { kind, id: kind === "subject" ? sub : client_id });
    const after = await issueGrant(service, caller);
    expect((await find(service, before.token)).revocations).toEqual([by(kind)]);
    expect((await find(service, after.token)).revocations).toEqual([]);
  });
});

describe("listGrants", () => {
  it("lists the sessions of a subject that can be refreshed, newest first, page by page", async () => {
    await using opened = await openWithClient();
    const { service, caller, clock } = opened;
    const tokens: string[] = [];
    for (const scope of ["a", "b", "c"]) {
      clock.now += 1;
      tokens.push((await issueGrant(service, caller, { scope, audience: "orders" })).token);
    }
    await service.getToken(caller, { subject: "ada", claims: {} });
    await issueGrant(service, caller, { subject: "grace" });
    const list = (before?: string) => service.listGrants(localCaller, { subject: "ada", before, limit: 2 });
    const page = await list();
    expect(page.grants[0]).toEqual({
      sid: decode(tokens[2] ?? "").sid,
      clientId: caller.clientId,
      clientName: "test",
      subject: "ada",
      audience: "orders",
      scope: "c",
      createdAt: NOW + 3,
      expiresAt: NOW + 3 + 30 * DAY,
      idleUntil: NOW + 3 + 7 * DAY,
    });
    const rest = await list(page.next);
    expect([...page.grants, ...rest.grants].map(({ scope }) => scope)).toEqual(["c", "b", "a"]);
    expect(rest).not.toHaveProperty("next");
    await service.revokeGrant(localCaller, page.grants[0]?.sid ?? "");
    clock.now = NOW + 1 + 7 * DAY;
    expect((await list()).grants.map(({ scope }) => scope)).toEqual(["b"]);
  });
});

describe("revokeGrant", () => {
  it("revokes a grant with its tokens and no other, and reports one that is unknown", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const [one, other] = [await issueGrant(service, caller), await issueGrant(service, caller)];
    const { sid = "" } = decode(one.token);
    expect(await service.revokeGrant(localCaller, sid)).toEqual({ sequence: expect.any(Number) });
    await expectRevoked(service, one.token);
    await expect(service.refreshToken(caller, one)).rejects.toMatchObject({ reason: "invalid_refresh_token" });
    await expectLive(service, other.token);
    expect(await service.revokeGrant(localCaller, sid), "again").not.toHaveProperty("unknownGrant");
    expect(await service.revokeGrant(localCaller, "unknown")).toMatchObject({ unknownGrant: true });
    const [record] = await opened.auditRecords("revoke");
    expect(record).toMatchObject({ target: "unknown", clientId: "local" });
    expect((await opened.auditRecords("revoke"))[2]).toMatchObject({ target: sid, subject: "ada" });
  });

  it("needs no permission for a grant of the caller itself, and one for another", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const { token } = await issueGrant(service, caller);
    const other = await service.authenticate(await addClient(service, { permissions: ["issue"] }), "192.0.2.1");
    const { sid = "" } = decode(token);
    const denied = { reason: "permission_denied" };
    for (const each of [sid, "unknown"]) await expect(service.revokeGrant(other, each)).rejects.toMatchObject(denied);
    await expectLive(service, token);
    await service.revokeGrant(caller, sid);
    await expectRevoked(service, token);
  });
});

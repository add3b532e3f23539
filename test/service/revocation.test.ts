import { decodeJwt } from "jose";
import { describe, expect, it, vi } from "vitest";
import { createIntrospectionEndpoint } from "../../src/oauth/introspection-endpoint.ts";
import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { Store } from "../../src/store/store.ts";
import { addClient } from "../support/clients.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";
import { callerOf, expectLive, expectRevoked, issueGrant, openWithClient } from "../support/with-client.ts";

type Opened = Awaited<ReturnType<typeof openWithClient>>;

async function issue({ service, caller }: Opened, subject = "ada"): Promise<string> {
  return (await service.getToken(caller, { subject, claims: {} })).token;
}

async function callerIn(service: TokenService, fields: Partial<NewClient>): Promise<Caller> {
  const { clientId, clientSecret } = await addClient(service, fields);
  const isPublic = fields.authMethod === "none";
  return service.authenticate(isPublic ? { method: "none", clientId } : { clientId, clientSecret }, "192.0.2.1");
}

/** A valid token of another issuer with the same claims. */
async function forgeToken(): Promise<string> {
  await using other = await openService();
  return (await other.service.getToken(localCaller, { claims: {} })).token;
}

const revokedIn = ({ store }: { store: Store }) => store.listRevocations(0, 100);

describe("a revoked token", () => {
  it("is refused at once, is inactive, and no other token is", async () => {
    await using opened = await openWithClient();
    const [token, other] = [await issue(opened), await issue(opened)];
    await expectLive(opened.service, token);
    const { sequence } = await opened.service.revokeToken(opened.caller, token);
    await expectRevoked(opened.service, token);
    expect(await opened.service.introspectToken(localCaller, token)).toEqual({ active: false });
    await expectLive(opened.service, other);
    const { jti, exp } = decodeJwt(token);
    expect(await revokedIn(opened)).toEqual([{ kind: "token", id: jti, sequence, until: exp }]);
  });

  it("stays revoked, and other tokens valid, when the service is opened again", async () => {
    await using opened = await openWithClient();
    const [token, other] = [await issue(opened), await issue(opened)];
    await opened.service.revokeToken(opened.caller, token);
    await opened.restart();
    await expectRevoked(opened.service, token);
    await expectLive(opened.service, other);
  });

  it("can be revoked again, which changes nothing", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    const first = await opened.service.revokeToken(opened.caller, token);
    const again = await opened.service.revokeToken(opened.caller, token);
    expect(again.sequence).toBeGreaterThanOrEqual(first.sequence);
    expect(await revokedIn(opened)).toHaveLength(1);
  });

  it("is revoked once by concurrent requests, which get a sequence number that covers it", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => opened.service.revokeToken(opened.caller, token)),
    );
    const [revocation, ...others] = await revokedIn(opened);
    expect(others).toEqual([]);
    expect(Math.min(...answers.map(({ sequence }) => sequence))).toBe(revocation?.sequence);
  });

  it("is in the audit log by its jti, with the client that revoked it, and never itself", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    await opened.service.revokeToken(opened.caller, token);
    const records = await opened.auditRecords("revokeToken");
    const { clientId } = opened.caller;
    expect(records).toMatchObject([
      { at: NOW, clientId, outcome: "allowed", subject: "ada", jti: decodeJwt(token).jti },
    ]);
    expect(JSON.stringify(records)).not.toContain(token.slice(-40));
  });
});

describe("revoking a token", () => {
  it("of another client requires the permission, and is audited as refused without it", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    const [stranger, revoker] = [
      await callerOf(opened.service),
      await callerOf(opened.service, { permissions: ["revoke"] }),
    ];
    await expect(opened.service.revokeToken(stranger, token)).rejects.toMatchObject({ reason: "permission_denied" });
    await expectLive(opened.service, token);
    expect(await opened.auditRecords("revokeToken")).toMatchObject([
      { clientId: stranger.clientId, outcome: "refused" },
    ]);
    await opened.service.revokeToken(revoker, token);
    await expectRevoked(opened.service, token);
  });

  it("is revoked also by a server whose clock is so far behind that it is not yet valid there", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    opened.clock.now = NOW - 3600;
    await opened.service.revokeToken(opened.caller, token);
    opened.clock.now = NOW;
    await expectRevoked(opened.service, token);
  });

  it.each([
    ["it is expired there", 3600],
    ["its key is removed there", 366 * 86400],
  ])("is revoked also by a server whose clock is so far ahead that %s", async (_, ahead) => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    opened.clock.now = NOW + ahead;
    await opened.service.maintenance();
    await opened.service.keys.rotate(localCaller, { immediate: true });
    await opened.service.revokeToken(opened.caller, token);
    opened.clock.now = NOW;
    await opened.service.keys.rotate(localCaller, { immediate: true });
    await expectRevoked(opened.service, token);
  });

  it("succeeds and revokes nothing for an unknown or foreign token (RFC 7009 §2.2)", async () => {
    await using opened = await openWithClient();
    const { sequence } = await opened.store.position();
    for (const token of ["", "garbage", "a.b.c", await forgeToken(), "\u0000", "x".repeat(100_000)])
      expect(await opened.service.revokeToken(opened.caller, token)).toEqual({ sequence });
    expect(await revokedIn(opened)).toEqual([]);
  });

  it("revokes the grant of a refresh token with all its tokens, and no others", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const [grant, other] = [await issueGrant(service, caller), await issueGrant(service, caller)];
    const next = await service.refreshToken(caller, grant);
    await service.revokeToken(caller, grant.refreshToken);
    for (const { token, refreshToken = "" } of [grant, next]) {
      await expectRevoked(service, token);
      expect(await service.introspectToken(localCaller, token)).toEqual({ active: false });
      await expect(service.refreshToken(caller, { refreshToken })).rejects.toMatchObject({
        reason: "invalid_refresh_token",
      });
    }
    await expectLive(service, other.token);
    await expect(service.refreshToken(caller, other)).resolves.toBeDefined();
  });

  it("revokes the live tokens of an expired grant", async () => {
    await using opened = await openWithClient({ refreshIdle: 60, replayWindow: 10 });
    const { service, caller, clock } = opened;
    const { token, refreshToken } = await issueGrant(service, caller, { expiresIn: 86_400 });
    const later = vi.spyOn(performance, "now");
    try {
      for (const hour of [1, 2, 3]) {
        clock.now = NOW + hour * 3600;
        await service.maintenance();
        later.mockReturnValue(performance.now() + 3_600_000);
        await service.maintenance();
      }
    } finally {
      later.mockRestore();
    }
    await service.revokeToken(caller, refreshToken);
    await expectRevoked(service, token);
    await expect(service.refreshToken(caller, { refreshToken })).rejects.toMatchObject({
      reason: "invalid_refresh_token",
    });
  });

  it("of another client's grant requires the permission", async () => {
    await using opened = await openWithClient();
    const { token, refreshToken } = await issueGrant(opened.service, opened.caller);
    const stranger = await callerOf(opened.service);
    await expect(opened.service.revokeToken(stranger, refreshToken)).rejects.toMatchObject({
      reason: "permission_denied",
    });
    await expectLive(opened.service, token);
  });
});

describe("revoking a subject or a client", () => {
  it.each(["subject", "client"] as const)(
    "%s: ends what was issued in the same second before, and nothing that is issued after",
    async (kind) => {
      await using opened = await openWithClient();
      const id = kind === "subject" ? "ada" : opened.caller.clientId;
      const rounds: string[] = [];
      for (let round = 0; round < 5; round += 1) {
        rounds.push(await issue(opened));
        await opened.service.revokeAll(localCaller, { kind, id });
        // Several bounds on one token: the latest applies.
        for (const token of rounds) await expectRevoked(opened.service, token);
        await expectLive(opened.service, await issue(opened));
      }
      const late = await issue(opened);
      await opened.restart();
      for (const token of rounds) await expectRevoked(opened.service, token);
      await expectLive(opened.service, late);
    },
  );

  it("applies the latest of the bounds by subject, client and token", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    await service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    const token = await issue(opened);
    await expectLive(service, token);
    await service.revokeAll(caller, { kind: "client", id: caller.clientId });
    await expectRevoked(service, token);
    const [later, another] = [await issue(opened), await issue(opened, "eve")];
    await service.revokeToken(caller, later);
    await expectRevoked(service, later);
    await service.revokeAll(localCaller, { kind: "subject", id: "eve" });
    await expectRevoked(service, another);
    for (const subject of ["ada", "eve"]) await expectLive(service, await issue(opened, subject));
  });

  it("leaves a token valid only if it was requested after the revocation began", async () => {
    await using opened = await openWithClient();
    const { service } = opened;
    for (let round = 0; round < 20; round += 1) {
      const issuing = Array.from({ length: 5 }, () => issue(opened));
      const revoking = service.revokeAll(localCaller, { kind: "subject", id: "ada" });
      const [tokens, { sequence }] = await Promise.all([Promise.all(issuing), revoking]);
      for (const token of tokens) {
        const known = Buffer.from(String(decodeJwt(token).jti), "base64url").readUIntBE(0, 6);
        await (known < sequence ? expectRevoked : expectLive)(service, token);
      }
    }
  });

  it("requires the permission, except for the client itself", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const denied = { reason: "permission_denied" };
    await expect(service.revokeAll(caller, { kind: "subject", id: "ada" })).rejects.toMatchObject(denied);
    await expect(service.revokeAll(caller, { kind: "client", id: "other" })).rejects.toMatchObject(denied);
    await expect(service.revokeAll(caller, { kind: "client", id: caller.clientId })).resolves.toBeDefined();
  });

  it("revokes the access and refresh tokens of a removed client", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const grant = await issueGrant(service, caller);
    await service.clients.remove(localCaller, caller.clientId);
    await expectRevoked(service, grant.token);
    await expect(service.refreshToken(caller, grant)).rejects.toMatchObject({ reason: "invalid_client" });
    await opened.restart();
    await expectRevoked(opened.service, grant.token);
  });
});

describe("a service that has not read its store for too long", () => {
  it("neither accepts nor rejects a token", async () => {
    await using opened = await openWithClient();
    const token = await issue(opened);
    const late = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 31_000);
    try {
      const stale = { reason: "verifier_stale" };
      await expect(opened.service.verifyToken({ token })).rejects.toMatchObject(stale);
      await expect(opened.service.introspectToken(localCaller, token)).rejects.toMatchObject(stale);
      await expect(opened.service.revokeToken(opened.caller, token)).rejects.toMatchObject(stale);
    } finally {
      late.mockRestore();
    }
    await expectLive(opened.service, token);
  });

  it.each<[who: string, fields: Partial<NewClient>, isAudience?: boolean]>([
    ["with the permission", { permissions: ["introspect"] }],
    ["in its audience", {}, true],
    ["that is a stranger", {}],
    ["that is public, in its audience", { authMethod: "none", permissions: [] }, true],
  ])("says to a client %s of no token that it is inactive", async (_who, fields, isAudience = false) => {
    await using opened = await openWithClient();
    const { service } = opened;
    const caller = await callerIn(service, fields);
    const audience = isAudience ? caller.clientId : ISSUER;
    const { token } = await service.getToken(localCaller, { audience, claims: {} });
    const introspect = createIntrospectionEndpoint(service);
    const late = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 31_000);
    try {
      for (const one of [token, `${token}x`, await forgeToken(), "x"]) {
        const stale = { reason: "verifier_stale" };
        await expect(service.introspectToken(caller, one)).rejects.toMatchObject(stale);
        const form = { parameters: new Map([["token", one]]), resources: [] };
        const request = { headers: {}, credentials: undefined, body: Buffer.of(), query: "", address: undefined };
        await expect(introspect(caller, form, request)).rejects.toMatchObject(stale);
      }
    } finally {
      late.mockRestore();
    }
    expect(await opened.auditRecords("introspectToken")).toEqual([]);
  });
});

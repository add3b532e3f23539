import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { NOW } from "../support/service.ts";
import { callerOf, expectLive, expectRevoked, issueGrant, openWithClient } from "../support/with-client.ts";

const DAY = 86_400;
const dead = { reason: "invalid_refresh_token" };

describe("refreshToken", () => {
  it("returns the next pair, with the subject, audience, scope, claims and grant of the first", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const asked = { audience: "orders", scope: "read write", claims: { role: "reader" }, expiresIn: 300 };
    const first = await issueGrant(service, caller, asked);
    const next = await service.refreshToken(caller, first);
    expect(next).toMatchObject({ tokenType: "Bearer", expiresIn: 300, scope: "read write" });
    expect(next.refreshToken).toMatch(/^[\w-]{43}$/);
    expect(next.refreshToken).not.toBe(first.refreshToken);
    const { jti, ...claims } = decodeJwt(next.token);
    expect(claims).toEqual({ ...decodeJwt(first.token), jti: undefined });
    expect(claims).toMatchObject({ sub: "ada", aud: "orders", role: "reader", sid: expect.any(String) });
  });

  it("narrows the scope on request, never widens it, and keeps the granted scope (RFC 6749 §6)", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const first = await issueGrant(service, caller, { scope: "read write" });
    await expect(service.refreshToken(caller, { ...first, scope: "read admin" })).rejects.toMatchObject({
      reason: "permission_denied",
      issues: [{ path: "scope" }],
    });
    await expect(service.refreshToken(caller, { ...first, scope: first.refreshToken })).rejects.toMatchObject({
      issues: [{ message: "(some scope) was not granted" }],
    });
    const less = await service.refreshToken(caller, { ...first, scope: "read" });
    expect(less.scope).toBe("read");
    expect(await again(opened, less, { scope: "write read" })).toMatchObject({ scope: "write read" });
  });

  it("is bound to its client, and an attempt by another client ends nothing", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const grant = await issueGrant(service, caller);
    const stranger = await callerOf(service);
    await expect(service.refreshToken(stranger, grant)).rejects.toMatchObject(dead);
    await expectLive(service, grant.token);
    await expect(service.refreshToken(caller, grant)).resolves.toBeDefined();
  });

  it("rejects a token that it did not issue", async () => {
    await using opened = await openWithClient();
    const { token, refreshToken } = await issueGrant(opened.service, opened.caller);
    for (const unknown of ["x", token, `${refreshToken}x`, refreshToken.slice(1), refreshToken.toLowerCase()])
      await expect(opened.service.refreshToken(opened.caller, { refreshToken: unknown })).rejects.toMatchObject(dead);
    await expectLive(opened.service, token);
  });

  it("renews the idle time to the second, and ends with the grant", async () => {
    await using opened = await openWithClient();
    const { service, caller, clock } = opened;
    const idle = await issueGrant(service, caller);
    let used: { refreshToken?: string | undefined } = await issueGrant(service, caller);
    clock.now += 7 * DAY - 1;
    used = await again(opened, used);
    clock.now += 1;
    await expect(service.refreshToken(caller, idle)).rejects.toMatchObject(dead);
    for (; clock.now < NOW + 29 * DAY; clock.now += 6 * DAY) used = await again(opened, used);
    clock.now = NOW + 30 * DAY - 1;
    used = await again(opened, used);
    clock.now += 1;
    await expect(again(opened, used)).rejects.toMatchObject(dead);
  });
});

describe("a reused refresh token", () => {
  it("returns one successor to a thousand concurrent requests", async () => {
    await using opened = await openWithClient();
    const grant = await issueGrant(opened.service, opened.caller);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => again(opened, grant)));
    expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(1);
    await expect(again(opened, answers[0] ?? {})).resolves.toBeDefined();
  });

  it("returns the same successor within the replay window, though that was used meanwhile", async () => {
    await using opened = await openWithClient();
    const first = await issueGrant(opened.service, opened.caller);
    const second = await again(opened, first);
    const third = await again(opened, second);
    opened.clock.now += 9;
    expect(await again(opened, first)).toMatchObject({ refreshToken: second.refreshToken });
    expect(await again(opened, second)).toMatchObject({ refreshToken: third.refreshToken });
    await expectLive(opened.service, third.token);
  });

  it("revokes the grant after the replay window (RFC 9700 §4.14.2), and audits it", async () => {
    await using opened = await openWithClient();
    const { service, caller, clock } = opened;
    const first = await issueGrant(service, caller);
    const second = await again(opened, first);
    clock.now += 10;
    await expect(again(opened, first)).rejects.toMatchObject(dead);
    for (const { token } of [first, second]) await expectRevoked(service, token);
    await expect(again(opened, second)).rejects.toMatchObject(dead);
    const { sid } = decodeJwt(first.token);
    expect(await opened.auditRecords("refreshToken.reused")).toMatchObject([
      { clientId: caller.clientId, subject: "ada", target: sid, outcome: "refused", reason: "invalid_refresh_token" },
    ]);
    await opened.restart();
    await expect(again(opened, second)).rejects.toMatchObject(dead);
    await expectRevoked(opened.service, second.token);
  });
});

describe("a grant", () => {
  it("has no valid token once a revocation is acknowledged, however refreshes race with it", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    for (let round = 0; round < 25; round += 1) {
      const subject = `user-${round}`;
      const grant = await issueGrant(service, caller, { subject });
      const refreshing = Array.from({ length: 4 }, () => again(opened, grant).catch(() => undefined));
      const beginning = issueGrant(service, caller, { subject }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, round % 5));
      await service.revokeAll(localCaller, { kind: "subject", id: subject });
      for (const issued of await Promise.all([...refreshing, beginning])) {
        if (issued === undefined) continue;
        const revoked = await service.verifyToken(issued).then(
          () => false,
          () => true,
        );
        const next = await again(opened, issued).catch(() => undefined);
        // A grant that began after the revocation may be active, with all its tokens.
        expect(next === undefined).toBe(revoked);
      }
      await expect(again(opened, grant)).rejects.toMatchObject(dead);
    }
  });

  it("stores only hashes in the database and no token in the audit log", async () => {
    await using opened = await openWithClient();
    const first = await issueGrant(opened.service, opened.caller);
    const second = await again(opened, first);
    await opened.service.close();
    const { readFileSync } = await import("node:fs");
    const bytes = readFileSync(`${opened.folder}/data/mintmark.db`, "latin1");
    expect(bytes).toContain("refreshToken");
    for (const secret of [first.refreshToken, second.refreshToken ?? "", first.token, second.token])
      expect(bytes).not.toContain(secret);
    await opened.restart();
  });
});

type Opened = Awaited<ReturnType<typeof openWithClient>>;

function again(opened: Opened, { refreshToken = "" }: { refreshToken?: string | undefined }, more = {}) {
  return opened.service.refreshToken(opened.caller, { refreshToken, ...more });
}

import { describe, expect, it } from "vitest";
import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { newClient } from "../support/clients.ts";
import { openSharedService } from "../support/shared-service.ts";
import { callerOf } from "../support/with-client.ts";

type Acting = { service: TokenService; caller: Caller; token: string; refreshToken: string; clientId: string };

/** Every use case of a client. `clientId` is that of another one. */
const USE_CASES: Record<string, (acting: Acting) => Promise<unknown>> = {
  getToken: ({ service, caller }) => service.getToken(caller, { claims: {} }),
  "getToken, refreshable": ({ service, caller }) => service.getToken(caller, { claims: {}, refreshable: true }),
  refreshToken: ({ service, caller, refreshToken }) => service.refreshToken(caller, { refreshToken }),
  revokeToken: ({ service, caller, token }) => service.revokeToken(caller, token),
  "revokeToken, unknown": ({ service, caller }) => service.revokeToken(caller, "unknown"),
  "revoke, a subject": ({ service, caller }) => service.revokeAll(caller, { kind: "subject", id: "ada" }),
  "revoke, itself": ({ service, caller }) => service.revokeAll(caller, { kind: "client", id: caller.clientId }),
  introspectToken: ({ service, caller, token }) => service.introspectToken(caller, token),
  "keys.list": ({ service, caller }) => service.keys.list(caller),
  "keys.rotate": ({ service, caller }) => service.keys.rotate(caller, { immediate: true }),
  "keys.kill": async ({ service, caller }) => {
    const [key] = await service.keys.list(localCaller);
    return service.keys.revoke(caller, key?.kid ?? "");
  },
  "clients.create": ({ service, caller }) => service.clients.create(caller, newClient()),
  "clients.list": ({ service, caller }) => service.clients.list(caller),
  "clients.rotateSecret": ({ service, caller, clientId }) =>
    service.clients.rotateSecret(caller, { clientId, overlap: 0 }),
  "clients.remove": ({ service, caller, clientId }) => service.clients.remove(caller, clientId),
  "audit.list": ({ service, caller }) => service.audit.list(caller, { limit: 1 }),
  metrics: ({ service, caller }) => service.metrics.authorize(caller),
  events: ({ service, caller }) => service.follow(caller, {}).next(),
};

describe("a client whose secret ends between its authentication and its operation", () => {
  it.each(
    Object.entries(USE_CASES).flatMap(([name, act]) =>
      (["the same server", "another server"] as const).flatMap((by) => [
        { name, act, by, ended: "removed" as const },
        { name, act, by, ended: "gave another secret to" as const },
      ]),
    ),
  )("is refused $name, when $by $ended it", async ({ act, by, ended }) => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const { service } = opened;
    const caller = await callerOf(service, { permissions: ["admin"] });
    const { clientId } = await callerOf(service);
    const { token, refreshToken = "" } = await service.getToken(caller, { claims: {}, refreshable: true });
    const remover = by === "another server" ? second.service : service;
    if (ended === "removed") await remover.clients.remove(localCaller, caller.clientId);
    else await remover.clients.rotateSecret(localCaller, { clientId: caller.clientId, overlap: 0 });
    const before = await service.clients.list(localCaller);

    const acting = act({ service, caller, token, refreshToken, clientId });
    await expect(acting).rejects.toMatchObject({ reason: "invalid_client" });
    expect(await service.clients.list(localCaller)).toEqual(before);
    expect((await service.audit.list(localCaller, { clientId: caller.clientId, limit: 10 })).records).toEqual(
      expect.not.arrayContaining([
        expect.objectContaining({ outcome: "allowed", action: expect.not.stringMatching("getToken") }),
      ]),
    );
  });
});

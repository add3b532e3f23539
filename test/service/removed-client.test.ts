import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { openSharedService } from "../support/shared-service.ts";
import { USE_CASES } from "../support/use-cases.ts";
import { callerOf } from "../support/with-client.ts";

// No case changes anything but its own client: all share two servers.
let opened: Awaited<ReturnType<typeof openSharedService>>;
let second: Awaited<ReturnType<typeof opened.openSecond>>;
beforeAll(async () => {
  opened = await openSharedService();
  second = await opened.openSecond();
});
afterAll(async () => {
  await second[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

describe("a client whose secret ends between its authentication and its operation", () => {
  it.each(
    Object.entries(USE_CASES).flatMap(([name, act]) =>
      (["the same server", "another server"] as const).flatMap((by) => [
        { name, act, by, ended: "removed" as const },
        { name, act, by, ended: "gave another secret to" as const },
      ]),
    ),
  )("is refused $name, when $by $ended it", async ({ act, by, ended }) => {
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

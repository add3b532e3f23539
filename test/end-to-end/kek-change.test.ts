import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { mintmark } from "../support/command.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { type OpenedProgram, openProgram } from "../support/program.ts";
import { call, send } from "../support/request.ts";

const newKek = () => randomBytes(32).toString("base64url");

describePostgres("another key-encryption key for several servers", () => {
  const [OLD, NEW] = [newKek(), newKek()];
  const servers: OpenedProgram[] = [];
  let database: string;

  const start = async (kek: string) => {
    const environment = { MINTMARK_ISSUER: "https://tokens.example", MINTMARK_ACCESS: "open", MINTMARK_KEK: kek };
    const server = await openProgram({ DATABASE_URL: database, ...environment });
    servers.push(server);
    return server;
  };
  const tokenOf = async ({ origin }: OpenedProgram): Promise<string> => {
    return (await createTokenClient({ url: origin }).getToken.query()).token;
  };
  const verdict = async ({ origin }: OpenedProgram, token: string) => {
    const { status, error } = await call(origin, "verifyToken", { token });
    return status === 200 ? "accepted" : error.data.reason;
  };

  beforeAll(async () => {
    database = await sharedPostgres.newDatabase();
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });

  it("stops none: servers with the earlier key go on, and verify the tokens of the next ones", async () => {
    const former = [await start(OLD), await start(OLD)] as const;
    const before = await tokenOf(former[0]);
    await rewrap();
    for (const [here, there] of [former, former.toReversed()] as [OpenedProgram, OpenedProgram][])
      expect(await verdict(there, await tokenOf(here))).toBe("accepted");
    const refusal = await call(former[0].origin, "keys.rotate", { immediate: true });
    expect(refusal.error.data).toMatchObject({ reason: "kek_changed", httpStatus: 412 });

    const next = await start(NEW);
    expect(await verdict(next, before)).toBe("accepted");
    expect(await call(next.origin, "keys.rotate", { immediate: true })).toMatchObject({ status: 200 });
    const after = await tokenOf(next);
    expect(await call(next.origin, "revokeToken", { token: before })).toMatchObject({ status: 200 });
    for (const server of former) {
      expect(await verdict(server, after)).toBe("accepted");
      await vi.waitFor(async () => expect(await verdict(server, before)).toBe("token_revoked"), 1000);
      await expectNothingIssued(server);
    }
  }, 60_000);

  const rewrap = async () => {
    const environment = { DATABASE_URL: database, MINTMARK_KEK_PREVIOUS: OLD, MINTMARK_KEK: NEW };
    expect(await mintmark(["keys", "rewrap"], { environment })).toMatchObject({ status: 0 });
    const again = await mintmark(["keys", "rewrap"], { environment });
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("MINTMARK_KEK is not the key") });
  };
  const expectNothingIssued = async ({ origin, log }: OpenedProgram) => {
    const refusal = await call(origin, "getToken", {});
    expect(refusal).toMatchObject({ status: 503, error: { data: { reason: "unavailable" } } });
    const ready = await send(`${origin}/readyz`);
    expect(ready).toMatchObject({ status: 503, text: expect.stringMatching(/"keys": ?"unavailable"/) });
    expect(log()).toContain("has MINTMARK_KEK changed?");
  };
});

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";
import { call, send } from "../support/request.ts";

describePostgres("a server whose PostgreSQL is away", () => {
  let postgres: Postgres;
  let server: Awaited<ReturnType<typeof startServer>>;

  beforeAll(async () => {
    postgres = await startPostgres();
    server = await startServer({
      PORT: "0",
      DATABASE_URL: await postgres.newDatabase(),
      MINTMARK_KEK: randomBytes(32).toString("base64url"),
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  it("is asked about no client whose id no database need take", async () => {
    for (const id of ["%00", "a%00b", "%ED%A0%80", "%0A"]) {
      const headers = { authorization: `Basic ${Buffer.from(`${id}:secret`).toString("base64")}` };
      expect(await send(`${server.origin}/trpc/getToken`, { headers })).toMatchObject({ status: 401 });
    }
  });

  const away = {
    stopped: { leave: () => postgres.stop("fast"), comeBack: () => postgres.start() },
    killed: { leave: () => postgres.kill(), comeBack: () => postgres.start() },
    paused: { leave: async () => postgres.pause(), comeBack: async () => postgres.resume() },
  };

  it.each(Object.entries(away))(
    "(%s) goes on verifying, refuses what it cannot record within 2 s, says so, and heals by itself",
    async (_how, { leave, comeBack }) => {
      const { token } = await createTokenClient({ url: server.origin }).getToken.query();
      await leave();

      expect(await call(server.origin, "verifyToken", { token })).toMatchObject({ status: 200 });
      expect(await send(`${server.origin}/.well-known/jwks.json`)).toMatchObject({ status: 200 });
      expect(await send(`${server.origin}/healthz`)).toMatchObject({ status: 200 });
      const acts = {
        getToken: {},
        "clients.create": { name: "x", permissions: [] },
        "keys.rotate": { immediate: true },
      };
      for (const [procedure, input] of Object.entries(acts)) {
        const start = performance.now();
        const { status, error } = await call(server.origin, procedure, input);
        expect({ procedure, status, reason: error.data.reason }).toEqual({
          procedure,
          status: 503,
          reason: "unavailable",
        });
        expect(performance.now() - start).toBeLessThan(2000);
      }
      expect(await send(`${server.origin}/readyz`)).toMatchObject({ status: 503 });

      await comeBack();
      await vi.waitFor(
        async () => expect(await send(`${server.origin}/readyz`)).toMatchObject({ status: 200 }),
        10_000,
      );
      expect(await call(server.origin, "getToken", {})).toMatchObject({ status: 200 });
      expect(await call(server.origin, "verifyToken", { token })).toMatchObject({ status: 200 });
    },
    60_000,
  );
});

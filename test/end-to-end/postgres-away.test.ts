import { randomBytes } from "node:crypto";
import pino from "pino";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { createTokenServer } from "../../src/index.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";
import { call, send } from "../support/request.ts";

const A_CLIENT = { name: "x", permissions: [] };
const UNAVAILABLE = { status: 503, reason: "unavailable" };

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

  it("gets no query for a client id that no database can hold", async () => {
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
      let served = 0;
      const serve = async (procedure: string, input: unknown): Promise<number> => {
        const start = performance.now();
        const { status, error } = await call(server.origin, procedure, input);
        const took = performance.now() - start;
        if (status !== 200) expect({ status, reason: error.data.reason }).toEqual(UNAVAILABLE);
        served += 1;
        return status === 200 ? Math.max(took, await serve(procedure, input)) : took;
      };
      const load = Array.from({ length: 10 }, () => [serve("getToken", {}), serve("clients.create", A_CLIENT)]).flat();
      await vi.waitFor(() => expect(served).toBeGreaterThan(40), 10_000);
      await leave();
      expect(Math.max(...(await Promise.all(load)))).toBeLessThan(2000);

      expect(await call(server.origin, "verifyToken", { token })).toMatchObject({ status: 200 });
      expect(await send(`${server.origin}/.well-known/jwks.json`)).toMatchObject({ status: 200 });
      expect(await send(`${server.origin}/healthz`)).toMatchObject({ status: 200 });
      const acts = {
        getToken: {},
        "clients.create": A_CLIENT,
        "keys.rotate": { immediate: true },
        // Another server may have created the key just before.
        verifyToken: { token: ofUnknownKey(token) },
      };
      const refusals = Object.entries(acts).map(async ([procedure, input]) => {
        const start = performance.now();
        const { status, error } = await call(server.origin, procedure, input);
        expect({ procedure, status, reason: error.data.reason }).toEqual({ procedure, ...UNAVAILABLE });
        expect(performance.now() - start).toBeLessThan(2000);
      });
      await Promise.all(refusals);
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

  it("neither accepts nor refuses tokens while its revocation data is stale", async () => {
    const service = await createTokenService({
      store: await openPostgresStore(await postgres.newDatabase()),
      maxStaleness: 1,
    });
    const { origin, close } = await createTokenServer(service, { port: 0, logger: pino({ level: "silent" }) });
    const { token } = await service.getToken(localCaller, { claims: {} });
    const answers = async () => {
      const [verified, introspected] = await Promise.all([
        call(origin, "verifyToken", { token }),
        call(origin, "introspectToken", { token }),
      ]);
      return [verified, introspected].map(({ status, error }) => [status, error?.data.reason]);
    };
    const STALE = [503, "verifier_stale"];
    const GOOD = [200, undefined];

    await postgres.stop("fast");
    expect((await answers())[0]).toEqual(GOOD);
    await vi.waitFor(async () => expect(await answers()).toEqual([STALE, STALE]), 5000);
    expect(await call(origin, "verifyToken", { token: `${token}x` })).toMatchObject({ status: 503 });
    await postgres.start();
    await vi.waitFor(async () => expect(await answers()).toEqual([GOOD, GOOD]), 10_000);
    await close();
    await service.close();
  });

  it("ends on SIGTERM while the database is paused", async () => {
    postgres.pause();
    const start = performance.now();
    expect(await server.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

/** The token with the key id of another key. */
function ofUnknownKey(token: string): string {
  const [header = "", ...rest] = token.split(".");
  const { kid, ...parameters } = JSON.parse(Buffer.from(header, "base64url").toString());
  return [Buffer.from(JSON.stringify({ ...parameters, kid: `${kid}0` })).toString("base64url"), ...rest].join(".");
}

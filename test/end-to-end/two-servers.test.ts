import { randomBytes } from "node:crypto";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";

const ROUNDS = 100;
/** Tokens that each issues for the other in a round. */
const TOKENS_EACH = 10;

describePostgres("two servers on one PostgreSQL", () => {
  let postgres: Postgres;
  let servers: Awaited<ReturnType<typeof startServer>>[];

  beforeAll(async () => {
    postgres = await startPostgres();
    const environment = {
      PORT: "0",
      DATABASE_URL: await postgres.newDatabase(),
      MINTMARK_ISSUER: "https://tokens.example",
      MINTMARK_KEK: randomBytes(32).toString("base64url"),
    };
    servers = await Promise.all([startServer(environment), startServer(environment)]);
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  it("make one key together, also when they start at the same moment", async () => {
    const [first, second] = await Promise.all(
      servers.map(({ origin }) => createTokenClient({ url: origin }).keys.list.query()),
    );
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
  });

  it(`make exactly one new key each of ${ROUNDS} times that both are told to rotate at once, and verify each other's tokens all along`, async () => {
    const [one, other] = servers.map(({ origin }) => createTokenClient({ url: origin }));
    if (one === undefined || other === undefined) throw new Error("two servers are needed");
    const signers = new Set<string | undefined>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      await Promise.all([one.keys.rotate.mutate({ immediate: true }), other.keys.rotate.mutate({ immediate: true })]);
      expect(await one.keys.list.query()).toHaveLength(1 + round);
      for (const [issuer, verifier] of [
        [one, other],
        [other, one],
      ] as const) {
        const issued = await Promise.all(Array.from({ length: TOKENS_EACH }, () => issuer.getToken.query()));
        await Promise.all(issued.map(({ token }) => verifier.verifyToken.mutate({ token })));
        for (const { token } of issued) signers.add(decodeProtectedHeader(token).kid);
      }
    }
    expect(signers.size).toBe(ROUNDS);
  }, 120_000);
});

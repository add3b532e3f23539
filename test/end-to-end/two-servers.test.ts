import { randomBytes } from "node:crypto";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";

const ROUNDS = 100;
const TOKENS_PER_ROUND = 20;

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
      for (let at = 0; at < TOKENS_PER_ROUND; at += 1) {
        const [issuer, verifier] = at % 2 === 0 ? [one, other] : [other, one];
        const { token } = await issuer.getToken.query();
        await verifier.verifyToken.mutate({ token });
        signers.add(decodeProtectedHeader(token).kid);
      }
    }
    expect(signers.size).toBe(ROUNDS);
  }, 120_000);
});

import { randomBytes } from "node:crypto";
import type { TRPCClient } from "@trpc/client";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import type { TokenRouter } from "../../src/router/router.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";

const ROUNDS = 25;
/** Tokens that each server issues in a round. */
const TOKENS_EACH = 10;

describePostgres("two servers on one PostgreSQL", () => {
  let servers: Awaited<ReturnType<typeof startServer>>[];

  beforeAll(async () => {
    const environment = {
      PORT: "0",
      DATABASE_URL: await sharedPostgres.newDatabase(),
      MINTMARK_ISSUER: "https://tokens.example",
      MINTMARK_ACCESS: "open",
      MINTMARK_KEK: randomBytes(32).toString("base64url"),
    };
    servers = await Promise.all([startServer(environment), startServer(environment)]);
  });
  afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });

  it("make one key together, also when they start at the same moment", async () => {
    const [first, second] = await Promise.all(
      servers.map(({ origin }) => createTokenClient({ url: origin }).keys.list.query()),
    );
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
  });

  it(`make one new key in each of ${ROUNDS} simultaneous rotations, and verify each other's tokens throughout`, async () => {
    const [one, other] = servers.map(({ origin }) => createTokenClient({ url: origin }));
    if (one === undefined || other === undefined) throw new Error("two servers are needed");
    const signers = new Set<string | undefined>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      await Promise.all([one.keys.rotate.mutate({ immediate: true }), other.keys.rotate.mutate({ immediate: true })]);
      expect(await one.keys.list.query()).toHaveLength(1 + round);
      const kids = await Promise.all([passTokens(one, other), passTokens(other, one)]);
      for (const kid of kids.flat()) signers.add(kid);
    }
    expect(signers.size).toBe(ROUNDS);
  }, 120_000);
});

type Client = TRPCClient<TokenRouter>;

/** Issues tokens by one server and verifies them by the other. Returns the ids of their keys. */
async function passTokens(issuer: Client, verifier: Client) {
  const issued = await Promise.all(Array.from({ length: TOKENS_EACH }, () => issuer.getToken.query()));
  await Promise.all(issued.map(({ token }) => verifier.verifyToken.mutate({ token })));
  return issued.map(({ token }) => decodeProtectedHeader(token).kid);
}

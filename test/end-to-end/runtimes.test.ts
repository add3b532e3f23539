import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { type Forge, forge, openPairForge, openSecretForge } from "../support/forge.ts";
import { testWith } from "../support/optional.ts";
import { programOf, type Question, type Runtime, startRuntime, type Verdict } from "../support/runtimes.ts";
import { ISSUER, NOW, openServer } from "../support/service.ts";

const RUNTIMES: Runtime[] = ["node", "node by WebCrypto", "workerd", "bun", "deno"];
const PAIRS = ["ES256", "ES384", "RS256", "PS256", "EdDSA"] as const;
const SECRET = "0123456789abcdef0123456789ABCDEF";

type Served = { alg: string; opened: Awaited<ReturnType<typeof openServer>>; forger: Forge };

/** A server for each algorithm, and forged tokens. */
async function openServers(): Promise<Served[]> {
  const pairs = PAIRS.map(async (alg) => ({
    alg,
    opened: await openServer({ alg }),
    forger: await openPairForge(alg),
  }));
  const secret = {
    alg: "HS256",
    opened: await openServer({ secret: SECRET }),
    forger: openSecretForge(`${SECRET.slice(1)}x`),
  };
  return Promise.all([...pairs, Promise.resolve(secret)]);
}

let servers: readonly Served[] = [];
beforeAll(async () => {
  servers = await openServers();
});
afterAll(async () => {
  for (const { opened } of servers) await opened[Symbol.asyncDispose]();
});

describe.each(RUNTIMES)("the verifier in %s", (runtime) => {
  const testRuntime = testWith({
    program: `${runtime} (npm ci --prefix test/runtimes)`,
    found: programOf(runtime) !== undefined,
    required: process.env.MINTMARK_TEST_RUNTIMES === "required",
  });

  testRuntime("accepts and refuses tokens of every algorithm, by the feed and by the JWK Set", async () => {
    await using running = await startRuntime(runtime);
    for (const { alg, opened, forger } of servers) {
      const secret = alg === "HS256" ? { secret: SECRET } : {};
      const issue = async (subject: string) =>
        (await opened.service.getToken(localCaller, { claims: {}, subject })).token;
      const [ada, bob] = [await issue("ada"), await issue("bob")];
      const [header = ""] = ada.split(".");
      const forged = forge(forger, { header: Buffer.from(header, "base64url") });
      const about = (follow: boolean, change: Partial<Question> = {}): Promise<Verdict> =>
        running.ask({
          options: { issuer: ISSUER, audience: ISSUER, url: opened.url, follow, ...secret },
          now: NOW,
          token: ada,
          entry: "verify",
          ...change,
        });
      const verdicts = async (follow: boolean) => [
        await about(follow),
        await about(follow, { token: forged }),
        await about(follow, { token: `${ada.slice(0, -8)}AAAAAAAA` }),
        await about(follow, { token: "no token" }),
        await about(follow, { now: NOW + 900 }),
        await about(follow, { entry: "fetch" }),
        await about(follow, { entry: "hono" }),
        await about(follow, { entry: "trpc" }),
        await about(follow, { entry: "fetch", token: forged }),
        await about(follow, { entry: "hono", token: forged }),
        await about(follow, { entry: "trpc", token: forged }),
      ];
      const refused = ["invalid_token", "invalid_token", "Could not validate credentials"];
      const said = ["ada", ...Array(3).fill("invalid_token"), "token_expired", "ada", "ada", "ada", ...refused];
      for (const follow of [true, false]) {
        const found = await verdicts(follow);
        expect(
          found.map(({ said }) => said),
          `${alg}, follow ${follow}`,
        ).toEqual(said);
        expect(found.map(({ failure }) => failure).filter((failure) => failure !== undefined)).toEqual([]);
      }
      await createTokenClient({ url: opened.url }).revoke.mutate({ subject: "ada" });
      await expect.poll(async () => (await about(true)).said, { interval: 5 }).toBe("token_revoked");
      expect([await about(true, { token: bob }), await about(false)].map(({ said }) => said)).toEqual(["bob", "ada"]);
    }
  });
});

test("a platform that does not support an algorithm is an error with a name, and no token is called forged", async () => {
  await using running = await startRuntime("node without EdDSA");
  const { opened } = servers.find(({ alg }) => alg === "EdDSA") ?? {};
  const { token } = (await opened?.service.getToken(localCaller, { claims: {}, subject: "ada" })) ?? { token: "" };
  for (const follow of [true, false]) {
    const options = { issuer: ISSUER, audience: ISSUER, url: opened?.url, follow };
    const reason = "This platform does not support EdDSA: update it, or set the service to ES256";
    const verdicts = [
      await running.ask({ options, now: NOW, token, entry: "verify" }),
      await running.ask({ options, now: NOW, token, entry: "fetch" }),
      await running.ask({ options, now: NOW, token: `${token.slice(0, -8)}AAAAAAAA`, entry: "verify" }),
    ];
    expect(verdicts).toEqual([
      { said: "internal_error", cause: `Error: ${reason}` },
      { said: "internal_error", failure: reason },
      { said: "internal_error", cause: `Error: ${reason}` },
    ]);
  }
});

const testWorkerd = testWith({
  program: "workerd (npm ci --prefix test/runtimes)",
  found: programOf("workerd") !== undefined,
  required: process.env.MINTMARK_TEST_RUNTIMES === "required",
});

testWorkerd("a worker, whose connections end with each request, reconnects when its data is stale", async () => {
  await using running = await startRuntime("workerd");
  await using opened = await openServer();
  const issue = async (subject: string) => (await opened.service.getToken(localCaller, { claims: {}, subject })).token;
  const [ada, bob] = [await issue("ada"), await issue("bob")];
  const options = { issuer: ISSUER, audience: ISSUER, url: opened.url, maxStaleness: 2 };
  const about = async (token: string) =>
    (await running.ask({ options, now: NOW, token, entry: "verify" }, "/stateless")).said;
  expect([await about(ada), await about(bob)]).toEqual(["ada", "bob"]);
  await createTokenClient({ url: opened.url }).revoke.mutate({ subject: "ada" });
  // The data are stale after 2 s; the verifier closes its connection after 3 s.
  await sleep(6000);
  expect(await Promise.all([ada, ada, ada].map(about))).toEqual(Array(3).fill("token_revoked"));
  expect(await about(bob)).toBe("bob");
  expect(running.output()).not.toMatch(/error|exception/i);
});

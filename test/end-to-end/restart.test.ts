import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { decodeProtectedHeader } from "jose";
import { describe, expect, test, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { freePort, startServer } from "../support/process.ts";
import { openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";

describe.concurrent("a restarted server", { timeout: 60_000 }, () => {
  test.each([
    ["SIGTERM", 0],
    ["SIGKILL", null],
  ] as const)("verifies tokens from before a %s, by the same key", async (signal, code) => {
    using folder = temporaryFolder();
    const environment = await settings(folder.path);
    await using before = await startServer(environment);
    const client = createTokenClient({ url: before.origin });
    const { token } = await client.getToken.query({ subject: "ada" });
    const keys = await publishedKeys(before.origin);
    expect(await before.stop(signal)).toMatchObject({ code });

    await using after = await openProgram(environment);

    expect(after.origin).toBe(before.origin);
    expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "ada", iss: ISSUER });
    expect(await publishedKeys(after.origin)).toEqual(keys);
    expect(keys).toEqual([{ alg: "ES256", kid: decodeProtectedHeader(token).kid }]);
  });

  test("with another algorithm publishes its key ahead, and signs with the former one until then", async () => {
    using folder = temporaryFolder();
    const environment = await settings(folder.path);
    await using before = await openProgram({ ...environment, MINTMARK_ALG: "ES256" });
    const client = createTokenClient({ url: before.origin });
    const { token: former } = await client.getToken.query({ subject: "ada" });
    await before.stop();

    await using after = await openProgram({ ...environment, MINTMARK_ALG: "EdDSA" });
    expect(await client.verifyToken.mutate({ token: former })).toMatchObject({ sub: "ada" });
    const published = await publishedKeys(after.origin);
    expect(published).toEqual([
      { alg: "ES256", kid: decodeProtectedHeader(former).kid },
      { alg: "EdDSA", kid: expect.any(String) },
    ]);

    await client.keys.rotate.mutate({ immediate: true });
    const { token } = await client.getToken.query({ subject: "eve" });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "EdDSA", kid: published[1]?.kid });
    expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "eve" });
    expect(await client.verifyToken.mutate({ token: former })).toMatchObject({ sub: "ada" });
  });
});

describe.concurrent("a server that stops", { timeout: 60_000 }, () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s answers what is in flight, takes nothing new, and ends with 0",
    async (signal) => {
      using folder = temporaryFolder();
      await using server = await startServer(await settings(folder.path));
      const post = await beginPost(`${server.origin}/trpc/getToken`, JSON.stringify({ subject: "ada" }));

      const stopped = server.stop(signal);
      await vi.waitFor(async () => expect(await tryConnect(server.origin)).toBe("ECONNREFUSED"), { timeout: 20_000 });
      const answer = await post.finish();

      expect(answer).toEqual({
        status: 200,
        complete: true,
        body: { result: { data: expect.objectContaining({ token: expect.any(String) }) } },
      });
      expect(await stopped).toMatchObject({ code: 0 });
    },
  );
});

const ISSUER = "https://tokens.example";

async function settings(folder: string) {
  return {
    PORT: await freePort(),
    MINTMARK_DATA: join(folder, "data"),
    MINTMARK_ISSUER: ISSUER,
    MINTMARK_ACCESS: "open",
  };
}

async function publishedKeys(origin: string) {
  const response = await fetch(`${origin}/.well-known/jwks.json`);
  const { keys } = (await response.json()) as { keys: { kid: string; alg: string }[] };
  // Keys created within one second have no order.
  return keys.map(({ kid, alg }) => ({ kid, alg })).sort((a, b) => (a.alg < b.alg ? -1 : 1));
}

/** Sends a request up to the middle of its body. The interim response proves that the server processes it. */
async function beginPost(url: string, body: string) {
  const half = body.length >> 1;
  const headers = { "content-type": "application/json", "content-length": body.length, expect: "100-continue" };
  // A persistent connection must not delay the stop.
  const post = request(url, { method: "POST", headers, agent: new Agent({ keepAlive: true }) });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    post.once("response", resolve).once("error", reject);
  });
  post.flushHeaders();
  await once(post, "continue");
  post.write(body.slice(0, half));
  return {
    async finish() {
      post.end(body.slice(half));
      const response = await answered;
      const received = await json(response);
      return { status: response.statusCode, complete: response.complete, body: received };
    },
  };
}

function tryConnect(origin: string): Promise<string | undefined> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

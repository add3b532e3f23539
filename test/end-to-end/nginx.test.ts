import type { IncomingMessage } from "node:http";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { startConsumer } from "../support/consumer.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { testWith } from "../support/optional.ts";
import { freePort, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

/** Longest time between the response to a revocation and the rejection by a follower behind nginx, in milliseconds. */
const BOUND = 1000;

const ISSUER = "https://tokens.example";
const credentials = { clientId: "admin", clientSecret: "a-secret-of-at-least-32-characters" };
const authorization = `Basic ${Buffer.from("admin:a-secret-of-at-least-32-characters").toString("base64")}`;

async function startAll() {
  const folder = temporaryFolder();
  const PORT = await freePort();
  const environment = {
    PORT,
    MINTMARK_ISSUER: ISSUER,
    MINTMARK_ADMIN_SECRET: credentials.clientSecret,
    MINTMARK_DATA: join(folder.path, "data"),
  };
  const [server, nginx] = await Promise.all([startServer(environment), startNginx([`127.0.0.1:${PORT}`])]);
  const { origin: url, certificate } = nginx;
  const consumer = startConsumer({ url, issuer: ISSUER, credentials }, { certificate: certificate.file });
  await consumer.ask("ready");
  return { folder, environment, server, nginx, consumer };
}

const testNginx = testWith({
  program: "nginx",
  found: hasNginx,
  required: process.env.MINTMARK_TEST_NGINX === "required",
});

describe("nginx, as the deployment guide configures it", () => {
  let running: Awaited<ReturnType<typeof startAll>>;
  beforeAll(async () => {
    if (hasNginx) running = await startAll();
  }, 60_000);
  afterAll(async () => {
    if (!hasNginx) return;
    for (const part of [running.consumer, running.nginx, running.server]) await part[Symbol.asyncDispose]();
    running.folder[Symbol.dispose]();
  });

  /** Sends a request by HTTP/1.1. */
  const send = async (
    path: string,
    { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
  ) => {
    const { origin, certificate } = running.nginx;
    const options = { ca: certificate.pem, method: body === undefined ? "GET" : "POST", agent: false } as const;
    const sent = request(`${origin}${path}`, {
      ...options,
      headers: { "content-type": "application/json", ...headers },
    });
    sent.end(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve).once("error", reject);
    });
    return { status: response.statusCode, headers: response.headers, text: await text(response) };
  };

  testNginx("passes the typed client on over TLS, with a batch of 50", async () => {
    const { consumer } = running;
    const { token } = await consumer.ask("getToken");
    const claims = await consumer.ask("verifyAll", Array(50).fill(token));
    expect(claims).toHaveLength(50);
    for (const { iss, sub } of claims) expect({ iss, sub }).toEqual({ iss: ISSUER, sub: "ada" });
  });

  testNginx(`passes a revocation on to a verifier within ${BOUND} ms of its answer`, async () => {
    const { consumer } = running;
    const { token } = await consumer.ask("getToken");
    expect(await consumer.ask("verdict", token)).toBe("accepted");
    expect(await consumer.ask("revoke", token)).toBeLessThan(BOUND);
    expect(await consumer.ask("verdict", token)).toBe("token_revoked");
  });

  testNginx("speaks HTTP/2, and passes header fields on", async () => {
    const { origin, certificate } = running.nginx;
    const session = connect(origin, { ca: certificate.pem });
    const headersOf = (headers: Record<string, string>) =>
      new Promise<IncomingHttpHeaders>((resolve, reject) => {
        session.request(headers).once("response", resolve).once("error", reject).resume();
      });
    const security = { "strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff" };
    const issued = await headersOf({ ":path": "/trpc/getToken", authorization });
    expect(issued).toMatchObject({ ":status": 200, "cache-control": "no-store", server: "nginx", ...security });
    const refused = await headersOf({ ":path": "/trpc/getToken" });
    expect(refused).toMatchObject({
      ":status": 401,
      "www-authenticate": expect.stringMatching(/^Basic /),
      ...security,
    });
    const keys = await headersOf({ ":path": "/.well-known/jwks.json" });
    expect(keys).toMatchObject({ ":status": 200, "cache-control": "public, max-age=600", ...security });
    expect(session.alpnProtocol).toBe("h2");
    session.destroy();
  });

  testNginx("lets the service refuse a large body in its own words, and refuses a huge one itself", async () => {
    const large = await send("/trpc/verifyToken", { body: JSON.stringify({ token: "x".repeat(100_000) }) });
    expect(large.status).toBe(413);
    expect(JSON.parse(large.text).error.data.reason).toBe("payload_too_large");
    const huge = await send("/trpc/verifyToken", { body: "x".repeat(1_100_000) });
    expect({ status: huge.status, words: huge.text }).toMatchObject({
      status: 413,
      words: expect.stringContaining("nginx"),
    });
  });

  testNginx("answers 502 while the server is away, and recovers with it, the feed included", async () => {
    const { consumer, environment, server } = running;
    const { token } = await consumer.ask("getToken");
    expect(await server.stop("SIGKILL")).toMatchObject({ code: null });
    expect(await send("/healthz")).toMatchObject({ status: 502 });
    expect(await consumer.ask("verdict", token)).toBe("accepted");
    await vi.waitFor(async () => expect(await consumer.ask("follows")).toBe(false), { timeout: 10_000, interval: 20 });
    running.server = await startServer(environment);
    expect(await send("/healthz")).toMatchObject({ status: 200 });
    await vi.waitFor(async () => expect(await consumer.ask("follows")).toBe(true), { timeout: 10_000, interval: 20 });
    expect(await consumer.ask("revoke", token)).toBeLessThan(BOUND);
  });
});

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { hasCaddy, startCaddy } from "../support/caddy.ts";
import { blockOf, replaceAll } from "../support/guide.ts";
import { hasNginx, startSite } from "../support/nginx.ts";
import { testWith } from "../support/optional.ts";
import { type RawRequest, send } from "../support/request.ts";
import { openServerOnLeavable } from "../support/store-away.ts";

const GUIDE = "docs/guides/gateways.md";

/** A service behind the gateway, which responds with the request. */
async function startUpstream() {
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    response.end(JSON.stringify({ method, headers, body: await text(request) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close().closeAllConnections(),
  };
}

type Addresses = { port: string; mintmark: string; upstream: string };

const GATEWAYS = [
  {
    name: "nginx",
    found: hasNginx,
    required: process.env.MINTMARK_TEST_NGINX === "required",
    start: ({ mintmark, upstream }: Omit<Addresses, "port">) =>
      startSite((port) =>
        replaceAll(blockOf(GUIDE, "nginx", "auth_request"), {
          "listen 8080": `listen 127.0.0.1:${port}`,
          "127.0.0.1:3000": mintmark,
          "127.0.0.1:4000": upstream,
        }),
      ),
  },
  {
    name: "Caddy",
    found: hasCaddy,
    required: process.env.MINTMARK_TEST_CADDY === "required",
    start: ({ mintmark, upstream }: Omit<Addresses, "port">) =>
      startCaddy((port) =>
        replaceAll(blockOf(GUIDE, "caddyfile", "forward_auth"), {
          "http://:8080": `http://127.0.0.1:${port}`,
          "127.0.0.1:3000": mintmark,
          "127.0.0.1:4000": upstream,
        }),
      ),
  },
];

describe.each(GATEWAYS)("$name, as the guide configures it", ({ name, found, required, start }) => {
  const test = testWith({ program: name, found, required });

  async function startAll() {
    const service = await openServerOnLeavable({ maxStaleness: 1 });
    const upstream = await startUpstream();
    const gateway = await start({ mintmark: new URL(service.url).host, upstream: upstream.address });
    return { service, upstream, gateway };
  }

  let running: Awaited<ReturnType<typeof startAll>>;
  beforeAll(async () => {
    if (found) running = await startAll();
  });
  afterAll(async () => {
    if (!found) return;
    await running.gateway[Symbol.asyncDispose]();
    running.upstream[Symbol.dispose]();
    await running.service[Symbol.asyncDispose]();
  });

  const issue = async (request: object = {}) =>
    (
      await running.service.service.getToken(localCaller, {
        subject: "ada",
        audience: "orders",
        claims: {},
        ...request,
      })
    ).token;
  const ask = (token: string | undefined, { headers = {}, ...request }: RawRequest = {}) =>
    send(`http://127.0.0.1:${running.gateway.port}/orders?id=1`, {
      ...request,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    });
  const seen = (answer: { text: string }) =>
    JSON.parse(answer.text) as { method: string; headers: IncomingHttpHeaders; body: string };

  test("lets a valid token through with who it is about, and the request as it was", async () => {
    const token = await issue({ scope: "orders:read", claims: { role: "writer" } });
    const answer = await ask(token, { method: "POST", body: "an order", headers: { "content-type": "text/plain" } });
    expect(answer.status).toBe(200);
    const { method, headers, body } = seen(answer);
    expect({ method, body }).toEqual({ method: "POST", body: "an order" });
    expect(headers).toMatchObject({ "x-auth-subject": "ada", "x-auth-client": "local", "x-auth-scope": "orders:read" });
    const claims = JSON.parse(Buffer.from(String(headers["x-auth-claims"]), "base64url").toString());
    expect(claims).toMatchObject({ sub: "ada", role: "writer" });
  });

  test("drops what the client says of itself, also where the token says nothing", async () => {
    const made = { "x-auth-subject": "mallory", "x-auth-scope": "admin", "x-auth-claims": "e30", "x-auth-client": "m" };
    const answer = await ask(await issue({ subject: "üda" }), { headers: made });
    expect(answer.status).toBe(200);
    const { headers } = seen(answer);
    expect([headers["x-auth-subject"] ?? "", headers["x-auth-scope"] ?? ""]).toEqual(["", ""]);
    expect(headers["x-auth-client"]).toBe("local");
    expect(JSON.parse(Buffer.from(String(headers["x-auth-claims"]), "base64url").toString()).sub).toBe("üda");
  });

  test("lets claims of 4 kB through", async () => {
    const answer = await ask(await issue({ claims: { note: "x".repeat(4000) } }));
    expect(answer.status).toBe(200);
    expect(String(seen(answer).headers["x-auth-claims"]).length).toBeGreaterThan(5000);
  });

  test("refuses what is no valid token, with the challenge, and a revoked one at once", async () => {
    const token = await issue();
    expect((await ask(token)).status).toBe(200);
    await running.service.service.revokeToken(localCaller, token);
    for (const [refused, error] of [
      [token, ', error="invalid_token"'],
      [`${token}x`, ', error="invalid_token"'],
      [await issue({ audience: "billing" }), ', error="invalid_token"'],
      [undefined, ""],
    ] as const) {
      const { status, headers } = await ask(refused);
      expect([error, status]).toEqual([error, 401]);
      expect(headers["www-authenticate"]).toContain(`Bearer realm="mintmark"${error}`);
    }
  });

  test("answers 400 to a malformed header, and 503 with Retry-After while revocation data is stale", async () => {
    const malformed = await ask(undefined, { headers: { authorization: "Bearer a b" } });
    expect(malformed.status).toBe(400);
    expect(malformed.headers["www-authenticate"]).toContain('error="invalid_request"');
    const token = await issue();
    running.service.leave();
    await vi.waitFor(
      async () => expect(await ask(token)).toMatchObject({ status: 503, headers: { "retry-after": "1" } }),
      5000,
    );
    running.service.comeBack();
    await vi.waitFor(async () => expect(await ask(token)).toMatchObject({ status: 200 }), 5000);
  });
});

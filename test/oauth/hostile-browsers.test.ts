import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenServer, type RunningServer } from "../../src/index.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { FORM } from "../support/oauth.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { type RawRequest, send as sendRaw } from "../support/request.ts";
import { openService } from "../support/service.ts";

const PATHS = ["/oauth/authorize", "/oauth/continue", "/oauth/logout", "/device", "/oauth/device"];

const NAMES = [
  ...["client_id", "redirect_uri", "state", "scope", "nonce", "login_hint", "code_challenge", "handle", "token"],
  ...[
    "id_token_hint",
    "post_logout_redirect_uri",
    "repeated",
    "user_code",
    "decision",
    "subject",
    "claims",
    "resource",
  ],
];

const TEXTS = [
  "%00",
  "%F0%9F%92%A9",
  "%ED%A0%80",
  "%",
  "%ff",
  "'",
  "%22%3E",
  "__proto__",
  "%E2%80%AE",
  "x".repeat(9000),
];

/** Forms and queries that no page and no client sends. */
const ODD = [
  ...TEXTS.map((text) => NAMES.map((name) => `${name}=${text}`).join("&")),
  ...NAMES.map((name) => `${name}=%00`),
  ...["", "&&&", "=", "client_id", "client_id=a&client_id=b", "resource=a&resource=b", "a=1&".repeat(70)],
];

function describeHostile(open: () => Promise<{ service: TokenService; close(): Promise<void> }>): void {
  const agent = new Agent({ keepAlive: true });
  let server: RunningServer;
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
    server = await createTokenServer(opened.service, { port: 0, logger: pino({ level: "silent" }) });
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
    await opened.close();
  });

  it.each(PATHS)("is answered without a failure: %s", async (path) => {
    const { port } = new URL(server.origin);
    const random = () => randomBytes(32).toString("base64url");
    const cookies = ["", `mintmark-session-${port}=${random()}; mintmark-key-${port}=${random()}`, "a=%00; =;;"];
    const failures: unknown[] = [];
    const send = async (url: string, request: RawRequest) => {
      const { status } = await sendRaw(server.origin + url, { agent, ...request });
      if (status >= 500) failures.push([url.slice(0, 100), request.method, status]);
    };
    for (const cookie of cookies)
      await Promise.all(
        ODD.flatMap((odd) => [
          odd.length < 9000 && send(`${path}?${odd}`, { headers: { cookie } }),
          send(path, { method: "POST", headers: { cookie, "content-type": FORM }, body: odd }),
        ]),
      );
    await send(path, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" });
    await send(path, { method: "POST", headers: { "content-type": FORM }, body: "x".repeat(100_000) });
    for (const method of ["HEAD", "PUT", "DELETE", "OPTIONS"]) await send(path, { method });
    expect(failures).toEqual([]);
  });
}

describe("what no browser sends, on SQLite", () => {
  describeHostile(async () => {
    const opened = await openService();
    return { service: opened.service, close: () => opened[Symbol.asyncDispose]() };
  });
});

describePostgres("what no browser sends, on PostgreSQL", () => {
  describeHostile(async () => {
    const store: Store = await openPostgresStore(await sharedPostgres.newStoreDatabase());
    const service = await createTokenService({ store });
    return { service, close: service.close };
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic, type Credentials } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { encodeForm, FORM } from "../support/oauth.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const APP = "https://spa.example";
const NAMED = "https://named.example";
const CONFIDENTIAL = "https://web.example";
const BODY = encodeForm({ grant_type: "client_credentials", token: "x" });
const PREFLIGHT = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };

const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-")));
const ofPage = (origin: string) => ({ origin, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" });

describe.each(["node", "fetch"] as const)("pages, behind %s", (edge) => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let client: Credentials;
  beforeAll(async () => {
    server = await openServer({ open: false }, { edge, origins: [NAMED] });
    client = await addClient(server.service, { permissions: ["issue", "introspect"] });
    const add = (authMethod: "none" | "client_secret_basic", redirectUris: string[]) =>
      server.service.clients.create(localCaller, newClient({ authMethod, redirectUris }));
    await add("none", [`${APP}/callback`, "com.example.app:/callback", "http://127.0.0.1/callback"]);
    await add("client_secret_basic", [`${CONFIDENTIAL}/callback`]);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const post = (endpoint: string, headers: Record<string, string>, authorization = basic(client)) =>
    send(`${server.url}/oauth/${endpoint}`, {
      method: "POST",
      headers: { "content-type": FORM, authorization, ...headers },
      body: BODY,
    });
  const preflight = (endpoint: string, origin: string) =>
    send(`${server.url}/oauth/${endpoint}`, { method: "OPTIONS", headers: { ...ofPage(origin), ...PREFLIGHT } });

  it.each(["token", "revoke"])(
    "of a public client may call %s, never with credentials of the browser",
    async (endpoint) => {
      const { status, headers } = await preflight(endpoint, APP);
      expect(status).toBe(204);
      expect(headers.vary).toBe("origin");
      expect(corsOf(headers)).toEqual({
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": expect.stringContaining("authorization"),
        "access-control-expose-headers": expect.stringContaining("www-authenticate"),
        "access-control-max-age": "7200",
      });
      for (const authorization of [basic(client), basic({ clientId: "nobody", clientSecret: "x" })]) {
        const answer = await post(endpoint, ofPage(APP), authorization);
        expect(corsOf(answer.headers)).toEqual({
          "access-control-allow-origin": APP,
          "access-control-expose-headers": expect.any(String),
        });
        expect(answer.headers).not.toHaveProperty("www-authenticate");
      }
    },
  );

  it.each([
    "null",
    "",
    "https://evil.example",
    `${APP}.evil.example`,
    `${APP}:8443`,
    `${APP}/`,
    "http://spa.example",
    "https://SPA.example",
    "https://x.spa.example",
    `${APP}, https://evil.example`,
    CONFIDENTIAL,
    NAMED,
    "com.example.app:",
    "com.example.app://",
    "file://",
  ])("P28: of the origin %j read and do nothing", async (origin) => {
    for (const endpoint of ["token", "revoke", "introspect"]) {
      const before = await preflight(endpoint, origin);
      expect([before.status, corsOf(before.headers)]).toEqual([204, {}]);
      const { status, text, headers } = await post(endpoint, ofPage(origin));
      expect([status, JSON.parse(text).error_reason, corsOf(headers)]).toEqual([403, "forbidden_origin", {}]);
    }
  });

  it("P28: of a public client do not introspect", async () => {
    const before = await preflight("introspect", APP);
    expect([before.status, corsOf(before.headers)]).toEqual([204, {}]);
    const { status, headers } = await post("introspect", ofPage(APP));
    expect([status, corsOf(headers)]).toEqual([403, {}]);
  });

  it("P28: of a client that was removed no longer call", async () => {
    const redirectUris = ["https://gone.example/callback"];
    const fields = newClient({ authMethod: "none", redirectUris });
    const { clientId } = await server.service.clients.create(localCaller, fields);
    await expect
      .poll(async () => (await post("token", ofPage("https://gone.example"))).status, { timeout: 5000 })
      .toBe(200);
    await server.service.clients.remove(localCaller, clientId);
    const { status, headers } = await post("token", ofPage("https://gone.example"));
    expect([status, corsOf(headers)]).toEqual([403, {}]);
  });

  it("of the issuer may call, without CORS", async () => {
    const own = { origin: server.url, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" };
    for (const endpoint of ["token", "revoke", "introspect"]) {
      const { status, headers } = await post(endpoint, own);
      expect([status, corsOf(headers)]).toEqual([200, {}]);
    }
  });
});

describe.each(["node", "fetch"] as const)("where access is open, behind %s", (edge) => {
  it.each<[name: string, headers: Record<string, string>]>([
    ["a page of another site", ofPage("https://evil.example")],
    ["a page of a public client of another machine", ofPage(APP)],
    ["a page without an origin", ofPage("null")],
    ["a form of another site", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
    ["a page of a sibling site", { "sec-fetch-site": "same-site" }],
    ["an old browser's page", { origin: "https://evil.example" }],
    ["a name that was rebound", { host: "evil.example" }],
    ["another machine behind a local proxy", { "x-forwarded-for": "203.0.113.1" }],
  ])("%s has no permission", async (_name, headers) => {
    await using server = await openServer({}, { edge });
    const fields = newClient({ authMethod: "none", redirectUris: [`${APP}/callback`] });
    await server.service.clients.create(localCaller, fields);
    for (const endpoint of ["token", "revoke", "introspect"]) {
      const answer = await send(`${server.url}/oauth/${endpoint}`, {
        method: "POST",
        headers: { "content-type": FORM, ...headers },
        body: BODY,
      });
      expect([endpoint, answer.status, corsOf(answer.headers)]).toEqual([endpoint, 403, {}]);
    }
  });
});

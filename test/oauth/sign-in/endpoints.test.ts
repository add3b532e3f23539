import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Person } from "../../../src/index.ts";
import { captureLog } from "../../support/log.ts";
import { FORM, postForm } from "../../support/oauth.ts";
import { addWebClient, authorizationRequest, REDIRECT_URI, VERIFIER } from "../../support/people.ts";
import { send } from "../../support/request.ts";
import { NOW, openServer } from "../../support/service.ts";
import { fieldsIn, openWebBrowser, parametersIn, type Visited } from "../../support/web-browser.ts";

const BASE = "https://id.example/auth";
const WARN = 40;
const SECRET = "canary-of-the-hook";

const POST = { method: "POST", headers: { "content-type": FORM }, body: "a=b" };

type Hook = (request: Request, context: { url: string; maxAge?: number | undefined }) => unknown;

describe.each(["node", "fetch"] as const)("the sign-in of a person, behind %s", (edge) => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let hook: Hook;
  let client: { clientId: string; clientSecret: string };
  let firstParty: { clientId: string };
  const { lines, logger } = captureLog();
  const failures = () => lines.filter((line) => JSON.parse(line).level >= WARN);

  beforeAll(async () => {
    server = await openServer(
      { issuer: BASE, open: false },
      { edge, logger, signIn: (request, context) => hook(request, context) as Person<Record<string, never>> },
    );
    client = await addWebClient(server.service);
    firstParty = await addWebClient(server.service, { name: "own", firstParty: true });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    // A person agrees to a client once.
    const subject = randomUUID();
    hook = () => ({ subject, profile: { name: "Ada" } });
    lines.length = 0;
  });

  const authorizePath = (more: Record<string, string | undefined> = {}, clientId = client.clientId) =>
    `/oauth/authorize?${new URLSearchParams([...authorizationRequest(clientId, more).parameters])}`;
  const openBrowser = () => openWebBrowser({ server });
  const onPage = ({ status, headers, location }: Visited) => [status, headers["content-type"], location];
  const HTML = "text/html; charset=utf-8";

  it("asks for consent, sends the code to the client, and the client gets tokens and the profile", async () => {
    const browser = openBrowser();
    const consent = await browser.visit(authorizePath({ scope: "openid profile orders:read" }));
    expect(onPage(consent)).toEqual([200, HTML, ""]);
    expect(consent.headers).toMatchObject({ "cache-control": "no-store", "x-frame-options": "DENY" });
    const attributes = "Path=/; HttpOnly; SameSite=Lax; Secure";
    expect(consent.setCookies.toSorted()).toEqual([
      expect.stringMatching(new RegExp(`^__Host-mintmark-key=[\\w-]{43}; ${attributes}$`)),
      expect.stringMatching(new RegExp(`^__Host-mintmark-session=[\\w-]{43}; ${attributes}$`)),
    ]);
    expect(consent.text).toContain('action="../oauth/continue"');
    const answer = await browser.visit("/oauth/continue", { form: { ...fieldsIn(consent), decision: "allow" } });
    expect(answer.status).toBe(303);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
    expect(answer.location.startsWith(`${REDIRECT_URI}?`)).toBe(true);
    expect(parametersIn(answer).toSorted()).toEqual([
      ["code", expect.stringMatching(/^[\w-]{49}$/)],
      ["iss", BASE],
      ["state", "xyz"],
    ]);
    const code = new URL(answer.location).searchParams.get("code") ?? "";
    const parameters = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
    const tokens = await postForm(server.url, "token", { parameters, as: client });
    expect([tokens.status, Object.keys(tokens.json).toSorted()]).toEqual([
      200,
      ["access_token", "expires_in", "id_token", "scope", "token_type"],
    ]);
    const authorization = `Bearer ${tokens.json.access_token}`;
    const info = await send(`${server.url}/oauth/userinfo`, { headers: { authorization } });
    expect([info.status, JSON.parse(info.text)]).toEqual([200, { sub: expect.any(String), name: "Ada" }]);
    const again = await postForm(server.url, "token", { parameters, as: client });
    expect([again.status, again.json.error]).toEqual([400, "invalid_grant"]);
  });

  it("sends access_denied to the client where the person denies", async () => {
    const browser = openBrowser();
    const consent = await browser.visit(authorizePath());
    const answer = await browser.visit("/oauth/continue", { form: { ...fieldsIn(consent), decision: "deny" } });
    expect(answer.status).toBe(303);
    expect(Object.fromEntries(parametersIn(answer))).toMatchObject({ error: "access_denied", iss: BASE, state: "xyz" });
  });

  it("asks the hook once a session, with an absolute URL, headers, and no cookie of this server", async () => {
    const received: { request: Request; context: unknown }[] = [];
    hook = (request, context) => {
      received.push({ request, context });
      return { subject: "ada" };
    };
    const browser = openBrowser();
    browser.cookies.set("app", "1");
    const path = authorizePath({ login_hint: "ada@example.org" }, firstParty.clientId);
    for (const _ of [1, 2]) expect((await browser.visit(path, { headers: { "x-app": "a" } })).status).toBe(303);
    expect(received).toHaveLength(1);
    const [{ request, context } = { request: new Request("x:"), context: undefined }] = received;
    expect([request.method, request.url, request.body]).toEqual(["GET", BASE + path, null]);
    expect(Object.fromEntries(request.headers)).toMatchObject({ "x-app": "a", cookie: "app=1" });
    expect(context).toEqual({
      url: expect.stringMatching(/^https:\/\/id\.example\/auth\/oauth\/continue\?handle=[\w-]{43}$/),
      client: { clientId: firstParty.clientId, name: "own" },
      loginHint: "ada@example.org",
      maxAge: undefined,
    });
    await browser.visit(authorizePath({ prompt: "login" }, firstParty.clientId));
    expect(received[1]?.request.headers.get("cookie")).toBe("app=1");
    expect(received[1]?.context).toMatchObject({ maxAge: 0 });
  });

  it("sends the browser where the hook says, with the cookies of both, and goes on when it comes back", async () => {
    hook = (request, { url }) => {
      if (request.headers.get("cookie")?.includes("app=ada")) return { subject: "ada" };
      const headers = new Headers({ location: `/login?return_to=${encodeURIComponent(url)}`, "x-own": "1" });
      for (const name of ["a", "b"]) headers.append("set-cookie", `${name}=1; Path=/`);
      return new Response(null, { status: 302, headers });
    };
    const browser = openBrowser();
    const sent = await browser.visit(authorizePath({}, firstParty.clientId));
    expect([sent.status, sent.headers["x-own"], sent.headers["cache-control"]]).toEqual([302, "1", "no-store"]);
    expect(sent.setCookies).toEqual(["a=1; Path=/", "b=1; Path=/", expect.stringMatching(/^__Host-mintmark-key=/)]);
    const returnTo = new URL(sent.location, BASE).searchParams.get("return_to") ?? "";
    browser.cookies.set("app", "ada");
    const answer = await browser.visit(returnTo);
    expect([answer.status, answer.location.startsWith(`${REDIRECT_URI}?`)]).toEqual([303, true]);
    // P13, and after the request has been answered.
    expect(onPage(await openBrowser().visit(returnTo))).toEqual([400, HTML, ""]);
    expect(onPage(await browser.visit(returnTo))).toEqual([400, HTML, ""]);
  });

  it("P13: another browser with the link is refused, and the first one goes on", async () => {
    hook = () => new Response("Sign in first");
    const [first, other] = [openBrowser(), openBrowser()];
    let returnTo = "";
    hook = (_request, { url }) => {
      returnTo = url;
      return new Response("Sign in first");
    };
    await first.visit(authorizePath());
    await other.visit(authorizePath());
    const link = returnTo;
    hook = () => ({ subject: "eve" });
    const [name = "", value = ""] = [...first.cookies].find(([cookie]) => cookie.endsWith("-key")) ?? [];
    expect(onPage(await first.visit(link))).toEqual([400, HTML, ""]);
    // A name that is sent twice counts as not sent: a sibling host can have set the other one.
    const headers = { cookie: `${name}=${value}; ${name}=${value}` };
    expect(onPage(await first.visit(link, { withheld: true, headers }))).toEqual([400, HTML, ""]);
    expect(onPage(await other.visit(link))).toEqual([200, HTML, ""]);
  });

  it("sends the body of a response of the hook as it is written", async () => {
    const parts = ["<p>one</p>", "<p>two</p>", "x".repeat(200_000)];
    hook = () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            const part = parts.shift();
            await new Promise((resolve) => setImmediate(resolve));
            if (part === undefined) controller.close();
            else controller.enqueue(new TextEncoder().encode(part));
          },
        }),
        { status: 401, headers: { "content-type": "text/html" } },
      );
    const answer = await openBrowser().visit(authorizePath());
    expect([answer.status, answer.headers["content-type"]]).toEqual([401, "text/html"]);
    expect(answer.text).toBe(`<p>one</p><p>two</p>${"x".repeat(200_000)}`);
  });

  it("sends no complete answer where the body of a response of the hook fails", async () => {
    hook = () => {
      let count = 0;
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
        count += 1;
        if (count > 3) controller.error(new Error(SECRET));
        else controller.enqueue(new Uint8Array(1000));
      };
      return new Response(new ReadableStream({ pull }));
    };
    const answer = await openBrowser()
      .visit(authorizePath())
      .catch(() => undefined);
    expect(answer?.status).not.toBe(200);
    expect(failures()).toHaveLength(1);
    expect(lines.join("")).not.toContain(SECRET);
  });

  it("answers 500 where a header of the hook cannot be sent", async () => {
    hook = () => new Response(null, { headers: { "x-own": "a\u0001b", location: "/login" } });
    const answer = await openBrowser().visit(authorizePath());
    expect([answer.status, answer.location, answer.setCookies]).toEqual([500, "", []]);
    expect(failures()).toHaveLength(1);
  });

  const used = new Response("x");
  it.each<[name: string, hook: Hook]>([
    ["rejects", () => Promise.reject(new Error(SECRET))],
    ["throws", () => void JSON.parse(SECRET)],
    ["throws a text", () => Promise.reject(SECRET)],
    ["returns nothing", () => undefined],
    ["returns null", () => null],
    ["returns a text", () => SECRET],
    ["returns a person without a subject", () => ({ id: SECRET })],
    ["returns a person with a number", () => ({ subject: 7 })],
    ["returns an empty subject", () => ({ subject: "" })],
    ["returns a long subject", () => ({ subject: SECRET.repeat(99) })],
    ["returns a list", () => [{ subject: "ada" }]],
    ["returns claims that are none", () => ({ subject: "ada", claims: SECRET })],
    ["returns registered claims", () => ({ subject: "ada", claims: { iss: SECRET } })],
    ["returns a time in the future", () => ({ subject: "ada", authTime: NOW + 1000 })],
    ["returns a time that is none", () => ({ subject: "ada", authTime: Number.NaN })],
    ["returns a scope that is none", () => ({ subject: "ada", scope: '"' })],
    ["returns the error response", () => Response.error()],
    [
      "returns a response that was read",
      () =>
        used.text().then(
          () => used,
          () => used,
        ),
    ],
  ])("answers by a page where the hook %s, and logs no secret", async (_name, broken) => {
    hook = broken;
    const answer = await openBrowser().visit(authorizePath());
    expect(onPage(answer)).toEqual([500, HTML, ""]);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).toContain(String(answer.headers["x-request-id"]));
    expect(failures()).toHaveLength(1);
    expect(lines.join("")).not.toContain(SECRET);
  });

  it("P1: proves client and redirect URI before anything else: a page of its own, and no redirect", async () => {
    const rows: Record<string, string | undefined>[] = [
      { client_id: undefined },
      { client_id: "nobody" },
      { client_id: "x".repeat(5000) },
      { redirect_uri: undefined },
      { redirect_uri: `${REDIRECT_URI}/` },
      { redirect_uri: "https://evil.example/callback" },
      { redirect_uri: "javascript:alert(1)" },
      { client_id: "nobody", response_type: "token" },
    ];
    for (const row of rows) {
      const answer = await openBrowser().visit(authorizePath(row));
      expect([row, ...onPage(answer)]).toEqual([row, 400, HTML, ""]);
      expect(answer.setCookies).toEqual([]);
      expect(answer.text).not.toContain("evil");
    }
  });

  it.each<[error: string, more: Record<string, string | undefined>]>([
    ["unsupported_response_type", { response_type: "token" }],
    ["request_not_supported", { request: "x.y.z" }],
    ["request_uri_not_supported", { request_uri: "https://shop.example/r" }],
    ["invalid_request", { code_challenge: undefined }],
    ["invalid_request", { code_challenge_method: "plain" }],
    ["login_required", { prompt: "none" }],
  ])("P10: sends %s to a proven redirect URI, with iss exactly once", async (error, more) => {
    const answer = await openBrowser().visit(authorizePath(more));
    expect(answer.status).toBe(303);
    const parameters = parametersIn(answer);
    expect(parameters.filter(([name]) => name === "iss")).toEqual([["iss", BASE]]);
    expect(Object.fromEntries(parameters)).toMatchObject({ error, state: "xyz" });
  });

  it("answers by a form where the client asks for form_post", async () => {
    const answer = await openBrowser().visit(authorizePath({ response_mode: "form_post" }, firstParty.clientId));
    expect(onPage(answer)).toEqual([200, HTML, ""]);
    expect(answer.text).toContain(`action="${REDIRECT_URI}"`);
    expect(fieldsIn(answer)).toEqual({ code: expect.stringMatching(/^[\w-]{49}$/), state: "xyz", iss: BASE });
    expect(answer.headers["content-security-policy"]).toContain("script-src 'self'");
  });

  describe("a request by POST", () => {
    const post = (more: Record<string, string | undefined> = {}, clientId = client.clientId) => ({
      form: Object.fromEntries(authorizationRequest(clientId, more).parameters),
      headers: { origin: "https://shop.example", "sec-fetch-site": "cross-site" },
      withheld: true,
    });

    it("is kept, and goes on by GET with the cookies", async () => {
      const browser = openBrowser();
      await browser.visit(authorizePath({}, firstParty.clientId));
      hook = () => new Response("not asked again");
      const kept = await browser.visit("/oauth/authorize", post({ prompt: "none" }, firstParty.clientId));
      expect([kept.status, kept.location]).toEqual([
        303,
        expect.stringMatching(/\/oauth\/continue\?handle=[\w-]{43}$/),
      ]);
      const answer = await browser.visit(kept.location);
      expect(answer.status).toBe(303);
      expect(Object.fromEntries(parametersIn(answer))).toMatchObject({ code: expect.any(String), state: "xyz" });
    });

    it("is refused without a redirect where client or redirect URI are not proven", async () => {
      for (const more of [{ client_id: "nobody" }, { redirect_uri: "https://evil.example/" }])
        expect(onPage(await openBrowser().visit("/oauth/authorize", post(more)))).toEqual([400, HTML, ""]);
    });
  });

  it.each<[name: string, headers: Record<string, string>]>([
    ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ["a sibling host", { origin: "https://www.id.example", "sec-fetch-site": "same-site" }],
    ["no page", { "sec-fetch-site": "none" }],
    ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
    ["an old browser on another site", { origin: "https://evil.example", "sec-fetch-site": "" }],
  ])("P14: a decision from %s is refused, and the one of the person counts", async (_name, { ...headers }) => {
    if (headers["sec-fetch-site"] === "") delete headers["sec-fetch-site"];
    const browser = openBrowser();
    const consent = await browser.visit(authorizePath());
    const form = { ...fieldsIn(consent), decision: "allow" };
    const own = headers["sec-fetch-site"] === undefined ? { "sec-fetch-site": "cross-site" } : {};
    expect(onPage(await browser.visit("/oauth/continue", { form, headers: { ...own, ...headers } }))).toEqual([
      403,
      HTML,
      "",
    ]);
    expect(parametersIn(await browser.visit("/oauth/continue", { form }))).toContainEqual(["state", "xyz"]);
  });

  it("P14: a decision needs the token of the page, and works once", async () => {
    const browser = openBrowser();
    const fields = fieldsIn(await browser.visit(authorizePath()));
    const token = Buffer.alloc(32).toString("base64url");
    // It is asked again.
    const forged = await browser.visit("/oauth/continue", { form: { ...fields, token, decision: "allow" } });
    expect([forged.status, forged.location]).toEqual([303, `${BASE}/oauth/continue?handle=${fields.handle}`]);
    for (const form of [
      { handle: fields.handle, decision: "allow" },
      { ...fields, decision: "perhaps" },
      { ...fields },
      { ...fields, subject: "eve", claims: "{}" },
    ])
      expect(onPage(await browser.visit("/oauth/continue", { form }))).toEqual([400, HTML, ""]);
    const form = { ...fields, decision: "allow" };
    expect((await browser.visit("/oauth/continue", { form })).status).toBe(303);
    expect(onPage(await browser.visit("/oauth/continue", { form }))).toEqual([400, HTML, ""]);
  });

  it("speaks the language of the browser", async () => {
    const answer = await openBrowser().visit("/oauth/continue", { headers: { "accept-language": "de-AT, en;q=0.5" } });
    expect([answer.status, answer.headers["content-language"]]).toEqual([400, "de"]);
  });

  it.each<[name: string, status: number, path: string, request?: Parameters<typeof send>[1]]>([
    ["a repeated parameter", 400, "/oauth/authorize?client_id=a&client_id=a"],
    ["a malformed escape", 400, "/oauth/authorize?client_id=%"],
    ["bytes that are not UTF-8", 400, "/oauth/authorize?client_id=%ff"],
    ["nothing", 400, "/oauth/authorize"],
    ["HEAD", 405, "/oauth/authorize", { method: "HEAD" }],
    ["PUT", 405, "/oauth/authorize", { method: "PUT" }],
    ["JSON", 400, "/oauth/authorize", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }],
    ["no type", 400, "/oauth/authorize", { method: "POST", body: "a=b" }],
    [
      "a compressed body",
      400,
      "/oauth/authorize",
      { ...POST, headers: { ...POST.headers, "content-encoding": "gzip" } },
    ],
    ["a long body", 413, "/oauth/authorize", { ...POST, body: "x".repeat(70_000) }],
    ["a query and a body", 400, "/oauth/authorize?a=b", POST],
    ["an unknown handle", 400, "/oauth/continue?handle=x"],
    ["no handle", 400, "/oauth/continue"],
    ["two handles", 400, "/oauth/continue?handle=x&handle=x"],
    ["HEAD to continue", 405, "/oauth/continue?handle=x", { method: "HEAD" }],
    ["a decision without a request", 400, "/oauth/continue", POST],
    ["a callback that no method has", 404, "/oauth/callback?state=x"],
    ["a slash too many", 404, "/oauth/authorize/"],
  ])("refuses %s with %d", async (...[, status, path, request]) => {
    const answer = await send(server.url + path, request);
    expect([answer.status, answer.headers.location]).toEqual([status, undefined]);
    expect(failures()).toEqual([]);
  });

  it("P28: no page of another origin reads what people see", async () => {
    const origin = new URL(REDIRECT_URI).origin;
    for (const path of [authorizePath(), "/oauth/continue?handle=x"])
      for (const method of ["GET", "OPTIONS"]) {
        const headers = { origin, "access-control-request-method": "GET", "sec-fetch-mode": "cors" };
        const answer = await send(server.url + path, { method, headers });
        expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
  });
});

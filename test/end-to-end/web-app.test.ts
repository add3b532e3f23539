import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { hasChromium, openPage } from "../support/browser.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { execute, tryOut } from "../support/docs-page.ts";
import { openTarget } from "../support/http-attacks.ts";
import { testWith } from "../support/optional.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

const TIMEOUT = { timeout: 60_000 };
const now = () => Math.floor(Date.now() / 1000);

/** A web app on its own port. The test gives its server further routes. */
async function startApp(serve: (request: IncomingMessage, response: ServerResponse) => void = () => {}) {
  const server = createServer((request, response) => {
    if (request.url !== "/") return serve(request, response);
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>app</title>");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Call = { url: string; input?: object; authorization?: string };

/** Calls the service from a script of the page. */
async function callFrom(
  page: Page,
  { url, input = {}, authorization }: Call,
): Promise<{ status: number; body: string }> {
  const headers = { "content-type": "application/json", ...(authorization !== undefined && { authorization }) };
  const script = `fetch(${JSON.stringify(url)}, ${JSON.stringify({ method: "POST", headers, body: JSON.stringify(input) })})
    .then(async (response) => ({ status: response.status, body: await response.text() }), (error) => ({ status: 0, body: String(error) }))`;
  return (await page.evaluate(script)) as { status: number; body: string };
}

describe("a web app of another origin", TIMEOUT, () => {
  test("that is allowed calls as a client, reads refusals, and follows the events", async () => {
    await using app = await startApp();
    await using server = await openTarget({ open: false, clock: now }, { origins: [app.origin] });
    const client = await addClient(server.service, {
      permissions: ["issue", "follow_events", "revoke"],
      anySubject: true,
    });
    const authorization = basic(client);
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(app.origin);
    const call = (procedure: string, input: object, sent?: string) =>
      callFrom(page, {
        url: `${server.url}/trpc/${procedure}`,
        input,
        ...(sent !== undefined && { authorization: sent }),
      });

    const issued = await call("getToken", { subject: "ada" }, authorization);
    const { token } = JSON.parse(issued.body).result.data;
    expect(JSON.parse((await call("verifyToken", { token })).body)).toMatchObject({ result: { data: { sub: "ada" } } });
    // A dialog of the browser for credentials would block the page.
    expect(await call("getToken", {})).toMatchObject({ status: 401, body: expect.stringContaining("invalid_client") });

    const following = page.evaluate(`(async () => {
      const headers = { authorization: ${JSON.stringify(authorization)} };
      const { body } = await fetch(${JSON.stringify(`${server.url}/trpc/events`)}, { headers });
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes('"revocations":[{')) text += (await reader.read()).value;
      await reader.cancel();
      return text;
    })()`);
    await expect.poll(() => server.service.metrics.read().followers).toBe(1);
    expect(await call("revoke", { subject: "ada" }, authorization)).toMatchObject({ status: 200 });
    expect(await following).toContain('"id":"ada"');
  });

  test("of this machine follows by EventSource where access is open; one that is not allowed reads public documents alone", async () => {
    await using app = await startApp();
    await using other = await startApp();
    await using server = await openTarget({ clock: now }, { origins: [app.origin] });
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(app.origin);
    const first = `new Promise((resolve, reject) => {
      const source = new EventSource(${JSON.stringify(`${server.url}/trpc/events`)});
      source.onmessage = ({ data }) => (source.close(), resolve(data));
      source.onerror = () => (source.close(), resolve("refused"));
    })`;
    expect(await page.evaluate(first)).toContain('"epoch"');
    expect(await callFrom(page, { url: `${server.url}/trpc/getToken` })).toMatchObject({ status: 200 });

    await page.goto(other.origin);
    expect(await page.evaluate(first)).toBe("refused");
    expect(await callFrom(page, { url: `${server.url}/trpc/getToken` })).toMatchObject({ status: 0 });
    for (const [path, status] of [
      ["/.well-known/jwks.json", 200],
      ["/openapi.json", 200],
      ["/healthz", 0],
    ])
      expect(
        await page.evaluate(
          `fetch(${JSON.stringify(server.url + path)}, { headers: { "x-any": "1" } }).then(({ status }) => status, () => 0)`,
        ),
      ).toBe(status);
  });

  test("calls through a development server's proxy, whether it changes Host or not", async () => {
    await using server = await openTarget({ clock: now });
    const { host, port } = new URL(server.url);
    for (const changed of [{ host }, {}]) {
      await using app = await startApp((incoming, response) => {
        const { url, method, headers } = incoming;
        const sent = request({ port, path: url, method, headers: { ...headers, ...changed } }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        incoming.pipe(sent);
      });
      await using browser = await openPage();
      await browser.page.goto(app.origin.replace("127.0.0.1", "localhost"));
      expect(await callFrom(browser.page, { url: "/trpc/getToken" })).toMatchObject({ status: 200 });
    }
  });
});

describe("the page at /docs where callers must authenticate", TIMEOUT, () => {
  test("shows a refusal without a browser dialog, and calls as the entered client", async () => {
    await using server = await openTarget({ open: false, clock: now });
    const { clientId, clientSecret } = await addClient(server.service, {
      permissions: ["issue"],
      scopes: ["orders:read"],
      anySubject: true,
    });
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(`${server.url}/docs`);
    const getToken = await tryOut(page, "getToken");
    expect(JSON.parse(await execute(getToken, 401))).toMatchObject({ error: { data: { reason: "invalid_client" } } });

    await page.getByRole("button", { name: "Authorize", exact: true }).click();
    const dialog = page.locator(".modal-ux");
    await dialog.getByLabel("Username").fill(clientId);
    await dialog.getByLabel("Password").fill(clientSecret);
    const client = dialog.locator("form", { hasText: "client (http, Basic)" });
    await client.getByRole("button", { name: "Apply credentials" }).click();
    await client.getByRole("button", { name: "Close" }).click();
    expect(JSON.parse(await execute(getToken, 200))).toHaveProperty("result.data.token");
  });
});

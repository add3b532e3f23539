import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { hasChromium, openPage, takePicture } from "../support/browser.ts";
import { execute, tryOut } from "../support/docs-page.ts";
import { blockOf } from "../support/guide.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { testWith } from "../support/optional.ts";
import { type Answer, send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium or nginx",
  found: hasChromium && hasNginx,
  required: process.env.MINTMARK_TEST_BROWSER === "required" && process.env.MINTMARK_TEST_NGINX === "required",
});

const TIMEOUT = { timeout: 60_000 };
const now = () => Math.floor(Date.now() / 1000);

const AS_IN_THE_GUIDE = "takes the path away, as in the guide";

/** What a proxy may do with the path prefix of Mintmark. */
const LOCATIONS = {
  [AS_IN_THE_GUIDE]: blockOf("docs/deployment.md", "nginx", "location /auth/"),
  "passes the path on": "location /auth/ { proxy_pass http://mintmark; proxy_buffering off; }",
};

describe("a server whose issuer has a path", () => {
  const issuer = "http://127.0.0.1:3000/auth";

  it("serves everything below it and at the root, with relative links", async () => {
    await using server = await openServer({ issuer });
    const bodies = ({ status, text }: Answer) => ({ status, text });
    for (const path of [
      ...["/", "/docs", "/docs/", "/docs/start.js", "/docs/docs.css", "/start.css", "/start.js", "/openapi.json"],
      ...["/.well-known/jwks.json"],
    ]) {
      const [root, below] = await Promise.all([send(server.url + path), send(`${server.url}/auth${path}`)]);
      expect([path, root.status]).toEqual([path, 200]);
      expect(bodies(below)).toEqual(bodies(root));
      expect([path, root.text.match(/(?:src|href)="\/[^"]*"/)]).toEqual([path, null]);
    }
    expect(await send(`${server.url}/auth/trpc/getToken`)).toMatchObject({ status: 200 });
    expect(await send(`${server.url}/auth/trpc/getToken,getToken?batch=1`)).toMatchObject({ status: 200 });
    for (const path of "/auth/nothing /authentic/docs /auth/auth/docs /AUTH/docs /auth//docs /auth/docs/x".split(" "))
      expect([path, (await send(server.url + path)).status]).toEqual([path, 404]);
    const { status, text } = await send(`${server.url}/auth`);
    const root = (await send(`${server.url}/`)).text;
    const below = root.replace(/(src|href)="(?!data:|#)/g, '$1="auth/');
    expect({ status, text }).toEqual({ status: 200, text: below });
    expect(await send(`${server.url}/auth`, { method: "POST" })).toMatchObject({ status: 405 });
  });

  it("is followed and called by its whole URL", async () => {
    await using server = await openServer({ issuer, clock: now });
    const verifier = createVerifier({ issuer, audience: issuer, url: `${server.url}/auth` });
    await verifier.ready;
    const { result } = JSON.parse((await send(`${server.url}/auth/trpc/getToken`)).text);
    expect(await verifier.verify(result.data.token)).toMatchObject({ iss: issuer });
    await verifier.close();
  });
});

const testNginx = testWith({
  program: "nginx",
  found: hasNginx,
  required: process.env.MINTMARK_TEST_NGINX === "required",
});

describe("an OAuth client behind nginx, as in the guide", TIMEOUT, () => {
  testNginx("finds the metadata by the issuer, and gets a token at the endpoint in it", async () => {
    await using server = await openServer({ issuer: "https://localhost/auth" });
    const locations = blockOf("docs/deployment.md", "nginx", "location /auth/");
    await using nginx = await startNginx([new URL(server.url).host], locations);
    const ask = async (path: string, form?: string) => {
      const headers = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
      const options = { ca: nginx.certificate.pem, headers, method: form === undefined ? "GET" : "POST", agent: false };
      const response = new Promise<IncomingMessage>((resolve, reject) =>
        request(nginx.origin + path, options, resolve)
          .on("error", reject)
          .end(form),
      );
      return JSON.parse(await text(await response));
    };
    for (const path of [
      "/.well-known/oauth-authorization-server/auth",
      "/auth/.well-known/oauth-authorization-server",
    ]) {
      const { issuer, token_endpoint } = await ask(path);
      expect([path, issuer]).toEqual([path, "https://localhost/auth"]);
      const issued = await ask(new URL(token_endpoint).pathname, "grant_type=client_credentials");
      expect(decodeJwt(issued.access_token)).toMatchObject({ iss: issuer });
    }
  });
});

describe("the pages behind nginx below a path that it", TIMEOUT, () => {
  for (const [name, locations] of Object.entries(LOCATIONS)) {
    test(name, async () => {
      await using server = await openServer({ issuer: "https://localhost/auth", clock: now });
      await using nginx = await startNginx([new URL(server.url).host], locations);
      await using browser = await openPage({ insecure: true });
      const { page, faults, origins } = browser;

      await page.goto(`${nginx.origin}/auth/`);
      await page.getByText("The events are live").waitFor({ state: "attached" });
      await page.getByRole("button", { name: "Get a token" }).click();
      await page.locator("#verdict output", { hasText: /^valid$/ }).waitFor();
      await page.getByRole("button", { name: "Revoke the token" }).click();
      await page.locator("#verdict output", { hasText: "revoked" }).waitFor();
      await takePicture(page, "below-a-path");

      // Its bytes and their relative links are the same behind both.
      if (name === AS_IN_THE_GUIDE) {
        await page.getByRole("link", { name: "/docs", exact: true }).click();
        expect(new URL(page.url()).pathname).toBe("/auth/docs");
        await page.locator(".opblock").first().waitFor();
        await page.goto(`${nginx.origin}/auth/docs/`);
        expect(JSON.parse(await execute(await tryOut(page, "getToken"), 200))).toHaveProperty("result.data.token");
      }
      await page.goto(`${nginx.origin}/auth`);
      expect(page.url()).toBe(`${nginx.origin}/auth/`);

      expect([...origins]).toEqual([nginx.origin]);
      expect(new Set(faults)).toEqual(
        new Set(["Failed to load resource: the server responded with a status of 401 ()"]),
      );
    });
  }
});

import { describe, expect } from "vitest";
import { findingsIn, hasChromium, openPage, takePicture } from "../support/browser.ts";
import { execute, tryOut } from "../support/docs-page.ts";
import { testWith } from "../support/optional.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 60_000 };

describe.concurrent("the page at /docs", TIMEOUT, () => {
  test("gets a token with the prefilled input, verifies it, and refuses it with one changed letter", async () => {
    await using server = await openServer();
    await using browser = await openPage();
    const { page, faults, origins } = browser;

    await page.goto(server.url);
    await page.getByRole("link", { name: "/docs", exact: true }).click();
    const getToken = await tryOut(page, "getToken");
    expect(await page.locator(".authorization__btn, .btn.authorize").count(), "locks where access is open").toBe(0);
    const issued = await execute(getToken, 200);
    const { token } = JSON.parse(issued).result.data;

    const verifyToken = await tryOut(page, "verifyToken");
    await verifyToken.getByRole("textbox").fill(JSON.stringify({ token }));
    const claims = JSON.parse(await execute(verifyToken, 200)).result.data;
    expect(claims).toMatchObject({ sub: "ada", scope: "orders:read", role: "reader" });
    expect(faults).toEqual([]);

    await verifyToken.getByRole("textbox").fill(JSON.stringify({ token: alterMiddle(token) }));
    const refused = await execute(verifyToken, 401);
    await takePicture(page, "docs-refused");
    expect(JSON.parse(refused).error).toMatchObject({
      message: "Could not validate credentials",
      data: { reason: "invalid_token" },
    });

    await getToken.locator(".opblock-summary-control").click();
    expect(await findingsIn(page, "docs")).toEqual([]);
    expect([...origins]).toEqual([server.url]);
    expect(faults).toEqual(["Failed to load resource: the server responded with a status of 401 (Unauthorized)"]);
  });
});

describe.concurrent("the page at /", TIMEOUT, () => {
  test("links to the docs, the API description and the keys, and calls no other server", async () => {
    await using server = await openServer();
    await using browser = await openPage();
    const { page, faults, origins } = browser;

    await page.goto(server.url);
    await page.getByRole("heading", { name: "Mintmark" }).waitFor();

    for (const path of ["/docs", "/openapi.json", "/.well-known/jwks.json"]) {
      const link = page.getByRole("link", { name: path, exact: true });
      expect(await link.evaluate((found: { href?: string }) => found.href)).toBe(server.url + path);
      expect((await page.request.get(server.url + path)).status(), path).toBe(200);
    }
    expect([...origins]).toEqual([server.url]);
    expect(faults).toEqual([]);
  });
});

function alterMiddle(token: string): string {
  const middle = token.length >> 1;
  return token.slice(0, middle) + (token[middle] === "A" ? "B" : "A") + token.slice(middle + 1);
}

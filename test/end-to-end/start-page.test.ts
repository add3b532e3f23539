import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { z } from "zod";
import { findingsIn, hasChromium, openPage } from "../support/browser.ts";
import { addClient } from "../support/clients.ts";
import { testWith } from "../support/optional.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 60_000 };
const REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)";

const claims = z.object({
  role: z.enum(["reader", "writer"]).optional(),
  level: z.int().min(1).max(3).optional(),
  tags: z.array(z.string()).optional(),
});

describe("the page at /", TIMEOUT, () => {
  const clock = { ahead: 0 };
  let server: Awaited<ReturnType<typeof openServer<typeof claims>>>;
  let browser: Awaited<ReturnType<typeof openPage>>;
  let page: Page;
  beforeAll(async () => {
    if (!hasChromium) return;
    server = await openServer({ claims, clock: () => Math.floor(Date.now() / 1000) + clock.ahead });
    browser = await openPage();
    page = browser.page;
  });
  beforeEach(async () => {
    if (hasChromium) await page.goto(server.url);
  });
  afterEach(async () => {
    if (hasChromium) await page.evaluate("localStorage.clear()");
    browser?.faults.splice(0);
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test("gets a token, verifies it, refuses it with one letter changed, and when it has expired", async () => {
    const { faults, origins } = browser;
    await page.getByLabel("role").selectOption("writer");
    await press(page, "Get a token");
    await stateOf(page, "valid");
    expect(await page.locator("#token-view .jwt > span").allTextContents()).toHaveLength(3);
    expect(await page.locator("#token-view pre.header").textContent()).toContain('"typ": "at+jwt"');
    expect(JSON.parse((await page.locator("#token-view pre.claims").textContent()) ?? "")).toMatchObject({
      sub: "ada",
      scope: "orders:read",
      role: "writer",
    });
    expect(await page.locator("#verdict .life").textContent()).toMatch(/^\d+ s left$/);
    await press(page, "Change one letter, and verify");
    await page
      .locator("#altered-verdict output", { hasText: "refused: Could not validate credentials (invalid_token)" })
      .waitFor();
    expect(await page.locator("#altered-token mark").textContent()).toMatch(/^[AB]$/);
    expect([...origins]).toEqual([server.url]);
    expect(faults).toEqual([REFUSED]);

    clock.ahead = 901;
    await press(page, "Verify");
    await stateOf(page, "expired: Could not validate credentials (token_expired)");
    await page.getByText("Refresh the token, or get a new one.").waitFor();
    expect(await page.locator("#verdict .life").textContent()).toBe("");
    clock.ahead = 0;
    // The message of a failure describes nothing of the token.
    await page.route("**/trpc/verifyToken", (route) => route.abort());
    await press(page, "Verify");
    await stateOf(page, "not known at the moment");
    expect(await page.locator("#verdict .life").textContent()).toMatch(/ s left$/);
    await page.unrouteAll();
  });

  test("shows the revocation of a token, of its session and of its subject in a second tab without a reload", async () => {
    const { faults } = browser;
    await press(page, "Get a token");
    await stateOf(page, "valid");
    const second = await page.context().newPage();
    await second.goto(server.url);
    await stateOf(second, "valid");
    await second.getByText("The events are live").waitFor();
    const first = await tokenOn(page);
    expect(await tokenOn(second)).toBe(first);

    // Only the front tab renders frames, which a click needs.
    await press(second, "Refresh");
    await page.waitForFunction(`document.querySelector("#token-view .jwt").textContent !== ${JSON.stringify(first)}`);
    expect(await tokenOn(second)).toBe(await tokenOn(page));
    for (const [name, event] of Object.entries({
      "Revoke the token": /Token \S+ revoked$/,
      "Revoke the session": /Session \S+ revoked$/,
      "Revoke the subject": /All tokens of the subject ada revoked$/,
    })) {
      await press(second, "Get a token");
      await stateOf(page, "valid");
      await press(second, name);
      for (const tab of [page, second]) {
        await stateOf(tab, "revoked: Could not validate credentials (token_revoked)");
        expect(await tab.locator("#verdict .life").textContent()).toBe("");
        await tab.locator("#events li").filter({ hasText: event }).first().waitFor();
      }
    }
    await press(second, "Refresh");
    await second.getByText("The refresh token is not valid: sign in again (invalid_refresh_token)").waitFor();
    await second.close();
    await page.reload();
    await stateOf(page, "revoked");
    expect(new Set(faults)).toEqual(new Set([REFUSED]));
  });

  test("says why a pasted token is refused and what to do, and accepts a valid one", async () => {
    const verdict = page.locator("#checked-verdict output");
    const check = async (token: string) => {
      await page.getByLabel("Token", { exact: true }).fill(token);
      await press(page, "Check");
    };
    await check(`Bearer ${UNSIGNED}`);
    await verdict.filter({ hasText: "refused: Could not validate credentials (invalid_token)" }).waitFor();
    const hints = await page.locator("#checked-verdict li").allTextContents();
    expect(hints.join("\n")).toMatch(
      /not signed: alg is none\.\n.*\niss is https:\/\/other\.example, and this issuer/s,
    );
    await page.getByText("Check that the verifier has the right issuer.").waitFor();
    expect(await page.locator("#checked-token pre.claims").textContent()).toContain('"sub": "eve"');

    await press(page, "Get a token");
    await stateOf(page, "valid");
    await check(await tokenOn(page));
    await verdict.filter({ hasText: /^valid$/ }).waitFor();
    await page.getByLabel("Expected audience").fill("billing");
    await press(page, "Check");
    await verdict.filter({ hasText: "(wrong_audience)" }).waitFor();
    await page.getByText("Request the token with the audience of this service.").waitFor();
  });

  test("shows claims as text, and every issue of what is entered", async () => {
    const { faults } = browser;
    await page.getByLabel("Subject").fill(`<img src=x onerror="document.title='owned'">`);
    await page.getByLabel("level, optional").fill("2");
    await page.getByLabel("tags, as JSON, optional").fill('["<b>"]');
    await press(page, "Get a token");
    await stateOf(page, "valid");
    const shown = page.locator("#token-view pre.claims");
    expect(JSON.parse((await shown.textContent()) ?? "")).toMatchObject({ level: 2, tags: ["<b>"] });
    expect(await page.locator("main img, main b").count()).toBe(0);
    expect(await page.title()).toBe("Mintmark");
    expect(faults).toEqual([]);

    const problem = page.getByRole("alert");
    await page.getByLabel("tags, as JSON, optional").fill("[");
    await press(page, "Get a token");
    await problem.filter({ hasText: /^tags: no JSON\. / }).waitFor();
    await page.getByLabel("tags, as JSON, optional").fill("[1, 2]");
    await press(page, "Get a token");
    await problem
      .filter({ hasText: /^Invalid input: claims\.tags\.0 .*; claims\.tags\.1 .*\(invalid_request\)$/ })
      .waitFor();
  });

  test("is used by keyboard", async () => {
    await page.getByLabel("Subject").focus();
    await page.keyboard.press("Enter");
    await stateOf(page, "valid");
    const reached = new Set<unknown>();
    for (let presses = 0; presses < 40; presses += 1) {
      reached.add(await page.evaluate("document.activeElement.id || document.activeElement.textContent"));
      await page.keyboard.press("Tab");
    }
    const controls =
      "subject scope claim-0 claim-1 claim-2 verify alter refresh revoke-token revoke-session revoke-subject pasted";
    expect([...reached]).toEqual(expect.arrayContaining([...controls.split(" "), "/docs", "Check", "Get a token"]));
  });

  test("has no serious finding of axe, in light, dark and at the width of a phone", async () => {
    await press(page, "Get a token");
    await stateOf(page, "valid");
    await press(page, "Change one letter, and verify");
    await page.getByLabel("Token", { exact: true }).fill(UNSIGNED);
    await press(page, "Check");
    await page.locator("#checked-verdict output").waitFor();
    await press(page, "Revoke the token");
    await stateOf(page, "revoked");
    await page.locator("summary").first().click();
    expect(await findingsIn(page, "start")).toEqual([]);
  });
});

describe("the page at / where access is for clients", TIMEOUT, () => {
  test("has the client's secret in memory alone", async () => {
    await using server = await openServer({ open: false, clock: () => Math.floor(Date.now() / 1000) });
    const permissions = ["issue", "revoke", "follow_events"] as const;
    const { clientId, clientSecret } = await addClient(server.service, {
      permissions: [...permissions],
      anySubject: true,
    });
    await using browser = await openPage();
    const { page, faults, origins } = browser;
    const urls: string[] = [];
    page.on("request", (request) => urls.push(request.url()));
    await page.goto(server.url);
    await press(page, "Get a token");
    await page
      .getByRole("alert")
      .filter({ hasText: "Client credentials are missing or wrong (invalid_client)" })
      .waitFor();
    expect(await findingsIn(page, "start-clients")).toEqual([]);

    await page.getByLabel("Client id").fill(clientId);
    await page.getByLabel("Client secret").fill(clientSecret);
    await page.keyboard.press("Enter");
    await page.getByText(`Calls are made as ${clientId}`).waitFor();
    await page.getByText("The events are live").waitFor();
    await page.getByLabel("Subject").fill("ada");
    await press(page, "Get a token");
    await stateOf(page, "valid");
    await press(page, "Revoke the session");
    await stateOf(page, "revoked");

    const kept =
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, location.href])";
    expect(await page.evaluate(kept)).toBe(JSON.stringify([{}, {}, "", null, `${server.url}/`]));
    expect(await page.content()).not.toContain(clientSecret);
    expect(await page.getByLabel("Client secret").inputValue()).toBe("");
    expect(urls.filter((url) => url.includes(clientSecret) || url.includes("eyJ"))).toEqual([]);
    await press(page, "Forget it");
    await press(page, "Get a token");
    await page.getByRole("alert").filter({ hasText: "(invalid_client)" }).waitFor();
    await page.getByText("The events are off").waitFor();
    expect([...origins]).toEqual([server.url]);
    expect(new Set(faults)).toEqual(new Set([REFUSED]));
  });
});

/** A token of another issuer, unsigned and expired. */
const UNSIGNED = [{ alg: "none", typ: "at+jwt" }, { iss: "https://other.example", sub: "eve", exp: 1_700_000_000 }, "x"]
  .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
  .join(".");

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
}

async function tokenOn(page: Page): Promise<string> {
  return (await page.locator("#token-view .jwt").textContent()) ?? "";
}

async function stateOf(page: Page, state: string): Promise<void> {
  // "Could not validate" contains "valid".
  const hasText = state === "valid" ? /^valid$/ : state;
  await page.locator("#verdict output", { hasText }).waitFor({ timeout: 30_000 });
}

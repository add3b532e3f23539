import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { z } from "zod";
import { hasChromium, openPage, takePicture } from "../support/browser.ts";
import { testWith } from "../support/optional.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 60_000 };
const now = () => Math.floor(Date.now() / 1000);

describe("the live view of the page at /", TIMEOUT, () => {
  test("shows the revocation of a token in a second tab without a reload", async () => {
    await using server = await openServer({ clock: now });
    await using browser = await openPage();
    const { page, faults, origins } = browser;

    await page.goto(server.url);
    await mint(page);
    await stateOf(page, "valid");
    expect(await page.locator("#claims").textContent()).toContain('"sub": "ada"');
    expect(await page.locator("#life").textContent()).toMatch(/^\d+ s left$/);

    const second = await page.context().newPage();
    await second.goto(server.url);
    await stateOf(second, "valid");
    await second.getByText("The events are live").waitFor();
    expect(await second.locator("#token").textContent()).toBe(await page.locator("#token").textContent());
    await takePicture(page, "start");

    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await stateOf(second, "revoked: Could not validate credentials (token_revoked)");
    await stateOf(page, "revoked: Could not validate credentials (token_revoked)");
    await takePicture(second, "start-revoked");

    await mint(second);
    await stateOf(page, "valid");
    await second.getByRole("button", { name: "Revoke all of this subject" }).click();
    await stateOf(page, "revoked: Could not validate credentials (token_revoked)");
    expect([...origins]).toEqual([server.url]);
    expect(new Set(faults)).toEqual(
      new Set(["Failed to load resource: the server responded with a status of 401 (Unauthorized)"]),
    );
  });

  test("refuses one changed letter, and an expired token", async () => {
    const clock = { ahead: 0 };
    await using server = await openServer({ clock: () => now() + clock.ahead });
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(server.url);
    await mint(page);
    await stateOf(page, "valid");
    await page.getByRole("button", { name: "one letter changed" }).click();
    await page.getByText("Could not validate credentials (invalid_token)").waitFor();
    clock.ahead = 301;
    await page.getByRole("button", { name: "Verify", exact: true }).click();
    await stateOf(page, "expired: Could not validate credentials (token_expired)");
  });

  test("shows claims as text, and executes nothing in them", async () => {
    await using server = await openServer({ clock: now });
    await using browser = await openPage();
    const { page, faults } = browser;
    const subject = `<img src=x onerror="document.title='owned'">`;
    await page.goto(server.url);
    await page.getByLabel("Subject").fill(subject);
    await mint(page);
    await stateOf(page, "valid");
    expect(await page.locator("#claims").textContent()).toContain("<img src=x");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe("Mintmark");
    expect(faults).toEqual([]);
  });

  test("has a field for claims with a schema, names what it requires, and shows every error", async () => {
    const claims = z.object({ role: z.enum(["reader", "writer"]), level: z.int().min(1).max(3) });
    await using server = await openServer({ claims, clock: now });
    await using browser = await openPage();
    const { page, faults } = browser;
    await page.goto(server.url);
    const field = page.getByLabel("Claims, in JSON");
    expect(JSON.parse(await field.inputValue())).toEqual({ role: "reader", level: 1 });
    await mint(page);
    await stateOf(page, "valid");
    expect(await page.locator("#claims").textContent()).toContain('"role": "reader"');
    await takePicture(page, "start-claims");

    const problem = page.getByRole("alert");
    expect(faults).toEqual([]);
    await field.fill("{ role: ");
    await mint(page);
    await problem.filter({ hasText: /^The claims are not valid JSON: / }).waitFor();
    await field.fill('{ "role": "owner", "level": 7 }');
    await mint(page);
    await problem.filter({ hasText: /^Invalid input: claims\.role .*; claims\.level / }).waitFor();
    await field.fill('{ "role": "writer", "level": 2 }');
    await mint(page);
    await page.locator("#claims", { hasText: '"role": "writer"' }).waitFor();
    expect(await page.locator("#problem").textContent()).toBe("");
  });

  test("shows no remaining time of a revoked token", async () => {
    const clock = { ahead: 0 };
    await using server = await openServer({ clock: () => now() + clock.ahead });
    await using browser = await openPage();
    const { page } = browser;
    const life = page.locator("#life");
    const verify = page.getByRole("button", { name: "Verify", exact: true });
    await page.goto(server.url);
    await mint(page);
    await stateOf(page, "valid");
    expect(await life.textContent()).toMatch(/ s left$/);
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await stateOf(page, "revoked");
    expect(await life.textContent()).toBe("");
    // A second later its clock has struck.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await life.textContent()).toBe("");
    await page.reload();
    await stateOf(page, "revoked");
    expect(await life.textContent()).toBe("");
    await mint(page);
    await stateOf(page, "valid");
    expect(await life.textContent()).toMatch(/ s left$/);
    clock.ahead = 301;
    await verify.click();
    await stateOf(page, "expired");
    expect(await life.textContent()).toBe("");
    await page.evaluate(`
      const token = localStorage.getItem("mintmark.token");
      localStorage.setItem("mintmark.token", token.slice(0, -9) + (token.at(-9) === "A" ? "B" : "A") + token.slice(-8));
    `);
    await verify.click();
    await stateOf(page, "refused");
    expect(await life.textContent()).toBe("");
    // What says nothing of the token takes nothing from it.
    await page.route("**/trpc/verifyToken", (route) => route.abort());
    await verify.click();
    await stateOf(page, "not known at the moment");
    expect(await life.textContent()).toMatch(/ s left$/);
  });

  test("is absent where callers must authenticate", async () => {
    await using server = await openServer({ open: false });
    await using browser = await openPage();
    const { page, faults } = browser;
    await page.goto(server.url);
    await page.getByText("mintmark clients add").waitFor();
    expect(await page.locator("form, script").count()).toBe(0);
    expect(faults).toEqual([]);
  });
});

async function mint(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Mint a token" }).click();
}

async function stateOf(page: Page, state: string): Promise<void> {
  // "Could not validate" of what is refused has the word as well.
  const hasText = state === "valid" ? /^valid$/ : state;
  await page.locator("output", { hasText }).waitFor({ timeout: 30_000 });
}

import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { hasChromium, openPage, takePicture } from "../support/browser.ts";
import { testWith } from "../support/optional.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser takes its time where other tests keep the processors busy. */
const PATIENCE = { timeout: 60_000 };
const now = () => Math.floor(Date.now() / 1000);

describe("the live view of the page at /", PATIENCE, () => {
  test("shows a token die in a second tab that is not loaded again", async () => {
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

  test("refuses one changed letter, and a token whose time is over", async () => {
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

  test("shows claims as they are, and lets them do nothing", async () => {
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

  test("is not there where callers must be known", async () => {
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
  await page.locator("output", { hasText: state }).waitFor({ timeout: 10_000 });
}

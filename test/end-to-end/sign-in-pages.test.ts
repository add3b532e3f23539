import type { Request, Page as Tab } from "playwright-core";
import { describe, expect } from "vitest";
import { renderPage } from "../../src/http/pages/sign-in/render.ts";
import type { Theme } from "../../src/http/theme.ts";
import type { Page } from "../../src/oauth/page.ts";
import { findingsIn, hasChromium, openPage, type PageOptions } from "../support/browser.ts";
import { testWith } from "../support/optional.ts";
import { samplePages } from "../support/sample-pages.ts";
import { openServer } from "../support/service.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

/** A browser is slow while other tests run. */
const TIMEOUT = { timeout: 180_000 };

const YELLOW = { title: "Acme Identity", colour: "#ffe600" };
const BLACK = { logo: "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E", colour: "#0a0a12" };

/** Without it, the browser requests `/favicon.ico`. */
const NO_ICON = '<link rel="icon" href="data:,">';

const pages: [name: string, page: Page][] = Object.entries(samplePages);

/** A server with a theme, and a tab that shows pages where the server has them, with its style sheet and its script. */
async function openTab(theme: Theme, options: PageOptions = {}) {
  const server = await openServer({}, { theme });
  const browser = await openPage(options);
  const { page: tab } = browser;
  return {
    ...browser,
    url: server.url,
    tab,
    async show(page: Page, language: "en" | "de" = "en"): Promise<void> {
      await tab.unrouteAll();
      const { body, headers } = renderPage(page, { language, theme, path: "../" });
      await tab.route(`${server.url}/oauth/shown`, (route) => route.fulfill({ headers, body }));
      // The page of a form stays.
      if (page.name === "form-post")
        await tab.route(`${server.url}/form-post.js`, (route) => route.fulfill({ body: "" }));
      await tab.goto(`${server.url}/oauth/shown`);
    },
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Shows a page in place of the one in a tab, which keeps its scripts: to load those of axe-core again takes most of the time. */
async function swap(tab: Tab, page: Page, context: { language: "en" | "de"; theme: Theme }): Promise<void> {
  const { body } = renderPage(page, { ...context, path: "../" });
  await tab.evaluate(`(async () => {
    const { documentElement } = new DOMParser().parseFromString(${JSON.stringify(body)}, "text/html");
    document.replaceChild(document.adoptNode(documentElement), document.documentElement);
    const styles = [...document.querySelectorAll("link[rel=stylesheet]")].filter(({ sheet }) => sheet === null);
    await Promise.all(styles.map((style) => new Promise((resolve) => style.addEventListener("load", resolve))));
  })()`);
}

/** Sends the form of the shown page by `act`: where to, from which origin, with which fields. */
async function sent(tab: Tab, act: () => Promise<unknown>) {
  await tab.route(/\/(?:oauth\/(?:continue|logout)|device|callback)$/, (route) =>
    route.fulfill({ contentType: "text/html", body: NO_ICON }),
  );
  const [request] = await Promise.all([tab.waitForRequest((request: Request) => request.method() === "POST"), act()]);
  const { origin } = await request.allHeaders();
  return { url: request.url(), origin, fields: Object.fromEntries(new URLSearchParams(request.postData() ?? "")) };
}

const widthOf = (tab: Tab): Promise<unknown> => tab.evaluate("document.documentElement.scrollWidth");

const focused = (tab: Tab): Promise<unknown> =>
  tab.evaluate("document.activeElement.name + '=' + document.activeElement.value");

/** Where a page is wider than a phone, at twice the size of text too. */
async function overflowsOf(tab: Tab): Promise<string[]> {
  const wide: string[] = [];
  const check = async (what: string, width: number) => {
    if ((await widthOf(tab)) !== width) wide.push(what);
  };
  await tab.setViewportSize({ width: 320, height: 640 });
  await check("at 320 px", 320);
  await tab.evaluate("document.documentElement.style.fontSize = '200%'");
  await check("with text of 200 %", 320);
  await tab.evaluate("document.documentElement.style.fontSize = ''");
  await tab.setViewportSize({ width: 160, height: 320 });
  await check("at a zoom of 200 %", 160);
  return wide;
}

describe("the pages that people see", TIMEOUT, () => {
  /** What is wrong with each page. The contrast of other colours is computed in test/http/theme.test.ts. */
  async function faultsOf(theme: Theme, language: "en" | "de", faults: (tab: Tab, name: string) => Promise<string[]>) {
    await using opened = await openTab(theme);
    const found: string[] = [];
    await opened.show(samplePages.consent, language);
    for (const [name, page] of pages) {
      await swap(opened.tab, page, { language, theme });
      found.push(...(await faults(opened.tab, name)).map((fault) => `${name}: ${fault}`));
    }
    return [...found, ...opened.faults];
  }

  test("are accessible in both colour schemes", async () => {
    expect(await faultsOf(YELLOW, "en", (tab, name) => findingsIn(tab, `${name}-en-yellow`))).toEqual([]);
  });

  // In German, whose words are longer.
  test("are so in another colour, and no wider than a phone, at twice the size of text too", async () => {
    const faults = async (tab: Tab, name: string) => [
      ...(await findingsIn(tab, `${name}-de-black`, { repainted: true })),
      ...(await overflowsOf(tab)),
    ];
    expect(await faultsOf(BLACK, "de", faults)).toEqual([]);
  });
});

describe("the consent page", TIMEOUT, () => {
  test("is decided by the keyboard, and its answers have one size", async () => {
    await using opened = await openTab(YELLOW);
    const { tab, show, url } = opened;
    for (const width of [1280, 320]) {
      await tab.setViewportSize({ width, height: 900 });
      await show(samplePages.consent);
      const [deny, allow] = await Promise.all(
        ["Deny", "Allow"].map((name) => tab.getByRole("button", { name, exact: true }).boundingBox()),
      );
      expect({ ...deny, x: 0 }).toEqual({ ...allow, x: 0 });
    }
    const order: unknown[] = [];
    for (let count = 0; count < 3; count += 1) {
      await tab.keyboard.press("Tab");
      order.push(await focused(tab));
    }
    expect(order).toEqual(["decision=switch", "decision=deny", "decision=allow"]);
    const common = { handle: "h4ndl3", token: "t0k3n" };
    const allowed = await sent(tab, () => tab.keyboard.press("Enter"));
    // The server compares the origin: the policy of the page must let browsers send it.
    expect(allowed).toEqual({ url: `${url}/oauth/continue`, origin: url, fields: { ...common, decision: "allow" } });
    await show(samplePages.consent);
    const deny = tab.getByRole("button", { name: "Deny" });
    expect((await sent(tab, () => deny.press("Space"))).fields).toEqual({ ...common, decision: "deny" });
    expect(opened.faults).toEqual([]);
  });

  test("is not covered by a name whose letters are tall, and shows every character of a long one", async () => {
    await using opened = await openTab(YELLOW);
    await opened.show(samplePages.consent);
    const box = await opened.tab.locator(".destination").boundingBox();
    if (box === null) throw new Error("The host is not shown");
    // Marks on marks are as tall as the font has them.
    const TALL =
      "for (const { style } of document.querySelectorAll('.name')) { style.display = 'inline-block'; style.transform = 'scaleY(40)' }";
    const before = await opened.tab.screenshot({ clip: box });
    await opened.tab.evaluate(TALL);
    expect(before.equals(await opened.tab.screenshot({ clip: box }))).toBe(true);
    await opened.show(samplePages["consent-long"]);
    expect(await opened.tab.locator("h1 .name").textContent()).toHaveLength(255);
  });
});

describe("the other forms", TIMEOUT, () => {
  test("send what was entered, from the origin of the server", async () => {
    await using opened = await openTab(YELLOW);
    const { tab, show, url } = opened;
    await show(samplePages["sign-in-claims"]);
    await tab.locator("[name=subject]:focus").waitFor();
    await tab.keyboard.type("ada");
    const claims = samplePages["sign-in-claims"].claims.replaceAll("\n", "\r\n");
    expect(await sent(tab, () => tab.keyboard.press("Enter"))).toEqual({
      url: `${url}/oauth/continue`,
      origin: url,
      fields: { handle: "h4ndl3", token: "t0k3n", subject: "ada", claims },
    });
    await show(samplePages["device-code"]);
    await tab.getByLabel("Code").fill("bcdf-ghjk");
    expect(await sent(tab, () => tab.keyboard.press("Enter"))).toEqual({
      url: `${url}/device`,
      origin: url,
      fields: { token: "t0k3n", user_code: "bcdf-ghjk" },
    });
    await show(samplePages["log-out"]);
    expect(await sent(tab, () => tab.getByRole("button").click())).toEqual({
      url: `${url}/oauth/logout`,
      origin: url,
      fields: { token: "t0k3n", state: "s" },
    });
  });

  test("tie a problem to its field, which has the focus", async () => {
    await using opened = await openTab(YELLOW);
    const { tab, show } = opened;
    await show(samplePages["sign-in-problem"]);
    const problem = async (): Promise<unknown> => {
      await tab.locator("[aria-invalid]:focus").waitFor();
      return tab.evaluate(`document.activeElement.getAttribute("aria-describedby").split(" ")
        .map((id) => document.getElementById(id).innerText).join(" ")`);
    };
    expect(await problem()).toBe(
      "Enter a JSON object that the service accepts as claims.\nrole must be one of reader, writer. A JSON object",
    );
    expect(await tab.title()).toBe("Problem: Sign in · Acme Identity");
    await show(samplePages["device-code-problem"], "de");
    expect(await problem()).toMatch(/^Dieser Code ist unbekannt oder abgelaufen\./);
  });
});

describe("the answer to a client by a form", TIMEOUT, () => {
  const page = { ...samplePages["form-post"], parameters: { code: "c0de", state: "a\u202e&amp;\"'<", submit: "x" } };
  const expected = { url: page.action, origin: "null", fields: page.parameters };

  test("is sent by the script, or without scripts by a button", async () => {
    await using opened = await openTab(YELLOW);
    const { tab, url } = opened;
    const { body, headers } = renderPage(page, { language: "en", theme: YELLOW, path: "../" });
    await tab.route(`${url}/oauth/shown`, (route) => route.fulfill({ headers, body }));
    expect(await sent(tab, () => tab.goto(`${url}/oauth/shown`, { waitUntil: "commit" }))).toEqual(expected);
    await tab.waitForURL(page.action);
    expect(opened.faults).toEqual([]);

    await using without = await openTab(YELLOW, { scripts: false });
    await without.show(page);
    const press = () => without.tab.getByRole("button", { name: "Continue" }).click();
    expect(await sent(without.tab, press)).toEqual(expected);
  });
});

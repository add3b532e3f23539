import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's Chromium, or another one that `CHROMIUM` names. */
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

export const hasChromium = existsSync(CHROMIUM);

/** What keeps Chromium from calling home by itself, and what it needs to run as root and without a screen. */
const ARGUMENTS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

/** One browser for all tests in this process, which ends with it. */
let running: Promise<Browser> | undefined;

/** A page in a session of its own, as a new visitor has one. `faults` are errors of any kind that a visitor's developer tools would show. `insecure` takes certificates of no authority. */
export async function openPage({ insecure = false }: { insecure?: boolean } = {}) {
  running ??= chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
  const browser = await running;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ignoreHTTPSErrors: insecure });
  const origins = new Set<string>();
  // The context's requests are those of every page and of every worker.
  context.on("request", (request) => origins.add(new URL(request.url()).origin));
  const page = await context.newPage();
  const faults = await watch(page);
  return {
    page,
    origins,
    faults,
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** Takes a picture of a whole page, for people to look at, where `MINTMARK_SCREENSHOTS` names a folder for it. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env.MINTMARK_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

async function watch(page: Page): Promise<string[]> {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("requestfailed", (request) => {
    // A feed has no end of its own: leaving the page is what ends it.
    if (request.resourceType() !== "eventsource") faults.push(`failed: ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  // Some violations, such as of a report-only policy, are no console error.
  await page.addInitScript({
    content: `addEventListener("securitypolicyviolation", (event) =>
      console.error("CSP: " + event.violatedDirective + " " + event.blockedURI))`,
  });
  return faults;
}

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's Chromium. The one without windows takes half of the CPU time. */
const INSTALLED = ["/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium"];

/** The first one that is installed, or another one that `CHROMIUM` names. */
const CHROMIUM = process.env.CHROMIUM || INSTALLED.find(existsSync);

export const hasChromium = CHROMIUM !== undefined && existsSync(CHROMIUM);

/** Flags against connections of Chromium's own, and for root without a screen. */
const ARGUMENTS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

/** One browser for all tests in this process, which ends with it. */
let running: Promise<Browser> | undefined;

export type PageOptions = {
  /** Accepts self-signed certificates. Default false. */
  insecure?: boolean;
  /** Whether scripts of pages run. Default true. */
  scripts?: boolean;
};

/** A page in a new session. `faults` are the errors in its developer tools. */
export async function openPage({ insecure = false, scripts = true }: PageOptions = {}) {
  running ??= chromium.launch({ executablePath: CHROMIUM ?? "", headless: true, args: ARGUMENTS });
  const browser = await running;
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    ignoreHTTPSErrors: insecure,
    javaScriptEnabled: scripts,
  });
  const origins = new Set<string>();
  // These are the requests of every page and worker.
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

/** Takes a screenshot of the whole page into the folder `MINTMARK_SCREENSHOTS`, if it is set. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env.MINTMARK_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** A page is accessible in both schemes and at both widths. Colours do not depend on the width, so two pairs are enough. */
const SCHEMES = [
  { colorScheme: "light", width: 1280 },
  { colorScheme: "dark", width: 390 },
] as const;

/** Rules of axe-core whose findings depend on colours or on the width. All rules take three times as long. */
const VISUAL = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"];

const require = createRequire(import.meta.url);

/**
 * The serious and critical findings of axe-core on a page in each scheme, and where it is wider than its window. `repainted`:
 * another test has checked the same page in other colours, so only what can differ is checked.
 */
export async function findingsIn(page: Page, name: string, { repainted = false } = {}): Promise<string[]> {
  const found: string[] = [];
  const isLoaded: boolean = await page.evaluate("'axe' in globalThis");
  if (!isLoaded) await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  for (const { colorScheme, width } of SCHEMES) {
    const scheme = `${colorScheme}-${width}`;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(STILL);
    await takePicture(page, `${name}-${scheme}`);
    const wide: unknown = await page.evaluate("document.documentElement.scrollWidth");
    if (wide !== width) found.push(`${scheme}: is ${wide} wide`);
    const findings: string[] = await page.evaluate(repainted || colorScheme === "dark" ? AXE_VISUAL : AXE);
    found.push(...findings.map((finding) => `${scheme}: ${finding}`));
  }
  return found;
}

/** Resolves when no colour changes any more. */
const STILL = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  .then(() => Promise.allSettled(document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().endTime < 5000).map(({ finished }) => finished))).then(() => {})`;

const axe = (options: object) => `axe.run(document, ${JSON.stringify({ resultTypes: ["violations"], ...options })})
  .then(({ violations }) => violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + " " + html.slice(0, 200))))`;
const AXE = axe({});
const AXE_VISUAL = axe({ runOnly: { type: "rule", values: VISUAL } });

async function watch(page: Page): Promise<string[]> {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("requestfailed", (request) => {
    // An event stream ends with its page.
    const isFeed = request.resourceType() === "eventsource" || request.url().endsWith("/trpc/events");
    if (!isFeed) faults.push(`failed: ${request.url()}`);
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

import { openPage } from "../../test/support/browser.ts";

/** A person at a browser, with a tab for each site. */
export type Person = {
  /** Opens the first site, and signs in where it leads. */
  signIn(url: string): Promise<void>;
  /** Opens the second site. */
  open(url: string): Promise<void>;
  /** Logs out at the first site. */
  logOut(): Promise<void>;
  /** Signs in at the issuer, and allows what it shows. */
  connect(url: string): Promise<void>;
  /** Disconnects the application on the page of the product. */
  disconnect(url: string): Promise<void>;
  close(): Promise<void>;
};

/** Chromium, by Playwright. */
export async function openBrowser(): Promise<Person> {
  const { page } = await openPage({ insecure: true });
  return {
    async signIn(url) {
      await page.goto(url);
      await page.locator("#subject").fill("ada");
      await page.getByRole("button").click();
    },
    async open(url) {
      const tab = await page.context().newPage();
      await tab.goto(url);
    },
    async logOut() {
      await page.bringToFront();
      await page.getByRole("button", { name: "Log out" }).click();
    },
    async connect(url) {
      await page.goto(url);
      await page.locator("#subject").fill("ada");
      await page.getByRole("button").click();
      await page.locator("button[value=allow]").click();
    },
    async disconnect(url) {
      await page.goto(url);
      await page.getByRole("button", { name: "Disconnect" }).click();
    },
    close: async () => page.context().browser()?.close(),
  };
}

const say = async (text: string) => void process.stdout.write(`${text}\n`);

/** You, at your own browser. */
export const you: Person = {
  signIn: (url) => say(`→ Open ${url} (the certificate is of its own making), enter a name, and sign in.`),
  open: (url) => say(`→ Open ${url} in another tab.`),
  logOut: () => say('→ Press "Log out" in the tab of the shop.'),
  connect: (url) => say(`→ Open ${url}, enter ada, sign in, and allow the client.`),
  disconnect: (url) => say(`→ Open ${url}, and press "Disconnect".`),
  close: async () => {},
};

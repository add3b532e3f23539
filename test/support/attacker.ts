import type { Page, Response } from "playwright-core";
import { localCaller } from "../../src/service/access/caller.ts";
import { openPage, type PageOptions } from "./browser.ts";
import { openServer } from "./service.ts";
import { addSession } from "./sign-in-session.ts";
import { openSite } from "./site.ts";

const clock = () => Math.floor(Date.now() / 1000);

/**
 * A server and three sites: the shop, whose client needs no consent, the forum, whose client needs it, and the attacker's, which
 * has such a client too.
 */
export async function openAttacked() {
  const server = await openServer({ clock, issuer: undefined as never });
  const shop = await openSite(server, "shop");
  const forum = await openSite(server, "forum", { firstParty: false });
  const evil = await openSite(server, "evil", { firstParty: false });
  const { service, store, url } = server;
  const sessionsOf = async (subject: string) =>
    (await service.sessions.list(localCaller, { subject, limit: 10 })).sessions;

  return {
    ...{ server, url, shop, forum, evil },
    sessionName: `mintmark-session-${new URL(url).port}`,
    continueUrl: (handle = "") => `${url}/oauth/continue?handle=${handle}`,
    /** Whom a person agreed to give something. */
    consentsOf: async (subject: string) =>
      (await service.consents.list(localCaller, subject)).map(({ clientId }) => clientId),
    /** A browser in which a person has signed in before. */
    async openSignedIn(subject: string, options: PageOptions = {}) {
      const now = clock();
      const times = { authTime: now, createdAt: now, expiresAt: now + 3600 };
      const { sid, cookie } = await addSession(store, { subject, ...times });
      const browser = await openPage({ insecure: true, ...options });
      await plant(browser.page, { url, name: this.sessionName, value: cookie });
      const isSignedIn = async () => (await sessionsOf(subject)).some((session) => session.sid === sid);
      return { ...browser, tab: browser.page, cookie, isSignedIn };
    },
    /** Shows a page of the attacker's that sends a form by itself, and waits for the page after it. */
    async sendFromEvil(tab: Page, path: string, fields: Record<string, string>) {
      evil.show(formOf(url + path, fields));
      const isAnswer = (response: Response) =>
        response.url().startsWith(url + path) && response.request().method() === "POST";
      const [response] = await Promise.all([tab.waitForResponse(isAnswer), tab.goto(evil.origin)]);
      await tab.waitForURL(({ origin }) => origin !== evil.origin);
      await tab.waitForLoadState("networkidle");
      return { status: response.status(), cookie: await response.request().headerValue("cookie") };
    },
    async [Symbol.asyncDispose]() {
      for (const opened of [shop, forum, evil, server]) await opened[Symbol.asyncDispose]();
    },
  };
}

export type Attacked = Awaited<ReturnType<typeof openAttacked>>;

/** Sets a cookie as this server does. */
export async function plant(tab: Page, cookie: { url: string; name: string; value: string }): Promise<void> {
  await tab.context().addCookies([{ ...cookie, httpOnly: true, sameSite: "Lax" }]);
}

function formOf(action: string, fields: Record<string, string>): string {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  return `<form method="post" action="${action}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`;
}

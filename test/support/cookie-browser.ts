import type { Parameters } from "./oauth.ts";
import { fieldsIn, openWebBrowser, type Visited } from "./web-browser.ts";

/** A browser of a person who follows links and redirects to the server, and fills in its forms. */
export function openCookieBrowser(server: { url: string; service: { issuer: string } }) {
  const { visit } = openWebBrowser(server);

  const browser = {
    get: (url: string) => visit(url),
    /** Sends the form of a page of the server. */
    post: (url: string, form: Parameters) => visit(url, { form }),
    /** Sends the form of a page of another site, which comes without cookies. */
    postFrom: (origin: string, url: string, form: Parameters) =>
      visit(url, { form, withheld: true, headers: { origin, "sec-fetch-site": "cross-site" } }),
    /** Follows redirects while they lead to the server. */
    async follow(visited: Visited): Promise<Visited> {
      const { location } = visited;
      return location.startsWith(`${server.url}/`) ? browser.follow(await visit(location)) : visited;
    },
    /** Signs in on the page of development. */
    signIn: async (page: Visited, subject = "ada") =>
      browser.follow(await visit("/oauth/continue", { form: { ...fieldsIn(page), subject, claims: "{}" } })),
    decide: async (page: Visited, decision: "allow" | "deny") =>
      browser.follow(await visit("/oauth/continue", { form: { ...fieldsIn(page), decision } })),
  };
  return browser;
}

export type CookieBrowser = ReturnType<typeof openCookieBrowser>;

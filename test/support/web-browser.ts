import { encodeForm, FORM, type Parameters } from "./oauth.ts";
import { type Answer, send } from "./request.ts";

export type Visit = {
  /** Posts a form. Default: a request by GET. */
  form?: Parameters;
  headers?: Record<string, string>;
  /** Whether the browser withholds its cookies, as with a POST of another site. */
  withheld?: boolean;
};

export type Visited = Answer & {
  /** Where the browser is. With the status 0 it was not fetched. */
  url: string;
  /** Without a redirect, empty. */
  location: string;
  /** As received. */
  setCookies: readonly string[];
};

/** Where to stop: at a URL that begins so, which is not fetched. Default: at the first page. */
type Until = { until?: string };

export type BrowserOptions = {
  /** The server of paths, and of URLs of its issuer. Default: targets are URLs. */
  server?: { url: string; service: { issuer: string } };
  /** Those that it has at first, by host. */
  cookies?: Record<string, Record<string, string>>;
};

/** What a browser sends with the form of a page of ours. */
const OWN_FORM = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };

const MAX_REDIRECTS = 15;

export type WebBrowser = ReturnType<typeof openWebBrowser>;

/** A browser without scripts, which keeps cookies by host, follows redirects step by step, and sends forms. */
export function openWebBrowser({ server, cookies: given = {} }: BrowserOptions = {}) {
  const jars = new Map(Object.entries(given).map(([host, pairs]) => [host, new Map(Object.entries(pairs))]));
  const { url: base = "", service: { issuer } = { issuer: "none:" } } = server ?? {};

  function cookiesOf(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  }

  function keep(jar: Map<string, string>, setCookie: string): void {
    const [pair = ""] = setCookie.split(";");
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    if (/max-age=0/i.test(setCookie)) jar.delete(name);
    else jar.set(name, value);
  }

  /** Follows no redirect. */
  async function visit(target: string, { form, headers = {}, withheld = false }: Visit = {}): Promise<Visited> {
    const path = target.startsWith(issuer) ? target.slice(issuer.length) : target;
    const url = path === "" || path.startsWith("/") ? base + path : path;
    const jar = cookiesOf(url);
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const own = cookie === "" || withheld ? {} : { cookie };
    const sent = form === undefined ? {} : { method: "POST", body: encodeForm(form) };
    const type = form === undefined ? {} : { "content-type": FORM, ...OWN_FORM };
    const answer = await send(url, { ...sent, headers: { ...own, ...type, ...headers } });
    const setCookies = [answer.headers["set-cookie"] ?? []].flat();
    for (const one of setCookies) keep(jar, one);
    return { ...answer, url, location: String(answer.headers.location ?? ""), setCookies };
  }

  async function followUntil(visited: Visited, until: string): Promise<Visited> {
    let at = visited;
    for (let count = 0; count < MAX_REDIRECTS; count += 1) {
      if (at.location === "") return at;
      const url = new URL(at.location, at.url).href;
      if (url.startsWith(until)) return { status: 0, headers: {}, text: "", url, location: "", setCookies: [] };
      at = await visit(url);
    }
    throw new Error(`Too many redirects, the last one to ${at.location}`);
  }

  const browser = {
    /** Those of the server. */
    get cookies() {
      return cookiesOf(base);
    },
    visit,
    get: (url: string) => visit(url),
    /** Sends the form of a page of the server. */
    post: (url: string, form: Parameters) => visit(url, { form }),
    /** Sends the form of a page of another site, which comes without cookies. */
    postFrom: (origin: string, url: string, form: Parameters) =>
      visit(url, { form, withheld: true, headers: { origin, "sec-fetch-site": "cross-site" } }),

    open: async (url: string, { until = "none:" }: Until = {}) => followUntil(await visit(url), until),
    /** Sends the only form of a page, with these fields beside its hidden ones. */
    async submit({ text, url }: Pick<Visited, "text" | "url">, fields: Parameters, { until = "none:" }: Until = {}) {
      const [, action = ""] = /<form[^>]*\baction="([^"]*)"/.exec(text) ?? [];
      const target = new URL(textOf(action), url).href;
      const form = { ...fieldsIn({ text }, "hidden"), ...fields };
      return followUntil(await visit(target, { form, headers: { origin: new URL(target).origin } }), until);
    },

    /** Follows redirects while they lead to the server. */
    async follow(visited: Visited): Promise<Visited> {
      const { location } = visited;
      return location.startsWith(`${base}/`) ? browser.follow(await visit(location)) : visited;
    },
    /** Signs in on the page of development. */
    signIn: async (page: Visited, subject = "ada") =>
      browser.follow(await visit("/oauth/continue", { form: { ...fieldsIn(page), subject, claims: "{}" } })),
    decide: async (page: Visited, decision: "allow" | "deny") =>
      browser.follow(await visit("/oauth/continue", { form: { ...fieldsIn(page), decision } })),
  };
  return browser;
}

/** The fields and the first values of the form of a page. `type`: of these alone. */
export function fieldsIn({ text }: Pick<Answer, "text">, type?: "hidden"): Record<string, string> {
  const inputs = [...text.matchAll(/<input[^>]*>/g)].map(([input]) => input);
  const attribute = (input: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(input)?.[1];
  const wanted = inputs.filter((input) => type === undefined || attribute(input, "type") === type);
  return Object.fromEntries(
    wanted.map((input) => [attribute(input, "name") ?? "", textOf(attribute(input, "value") ?? "")]),
  );
}

const SIGNS = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" } as const;

function textOf(html: string): string {
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: keyof typeof SIGNS) => SIGNS[name]);
}

/** The parameters of the URL that a browser is sent to. Names may be repeated. */
export function parametersIn({ location }: Pick<Visited, "location">): [string, string][] {
  return [...new URL(location).searchParams];
}

import { encodeForm, FORM } from "./oauth.ts";

/** What a browser shows after a request, without having followed a redirect. */
export type Shown = { status: number; location: string | undefined; text: string; headers: Headers; cookies: string[] };

/** The fields of the form on a page. */
export function fieldsOf({ text }: Pick<Shown, "text">): Record<string, string> {
  const inputs = [...text.matchAll(/<input\b[^>]*>/g)].map(([input]) => input);
  const attribute = (input: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1];
  const named = inputs.flatMap((input) => {
    const name = attribute(input, "name");
    return name === undefined ? [] : [[name, textOf(attribute(input, "value") ?? "")]];
  });
  return Object.fromEntries(named);
}

function textOf(text: string): string {
  const signs = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" } as const;
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: keyof typeof signs) => signs[name]);
}

/** A browser without scripts: it keeps cookies, and sends them as `SameSite=Lax` has it. */
export function openCookieBrowser(origin: string) {
  const jar = new Map<string, string>();

  async function request(url: string, init: RequestInit, sendsCookies = true): Promise<Shown> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", ...init.headers, ...(sendsCookies && cookie !== "" && { cookie }) };
    const response = await fetch(new URL(url, origin), { ...init, headers, redirect: "manual" });
    const cookies = response.headers.getSetCookie();
    for (const line of cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get("location") ?? undefined;
    return { status: response.status, location, text: await response.text(), headers: response.headers, cookies };
  }

  const formOf = (form: Record<string, string>, headers: Record<string, string>): RequestInit => ({
    method: "POST",
    headers: { "content-type": FORM, ...headers },
    body: encodeForm(form),
  });

  const browser = {
    jar,
    get: (url: string) => request(url, {}),
    /** Sends the form of a page of this server. */
    post: (url: string, form: Record<string, string>) =>
      request(url, formOf(form, { origin, "sec-fetch-site": "same-origin" })),
    /** Sends the form of a page of another site, which comes without cookies. */
    postFrom: (site: string, url: string, form: Record<string, string>) =>
      request(url, formOf(form, { origin: site, "sec-fetch-site": "cross-site" }), false),
    /** Follows redirects while they lead to this server. */
    async follow(shown: Shown): Promise<Shown> {
      const { location } = shown;
      if (location === undefined || !location.startsWith(`${origin}/`)) return shown;
      return browser.follow(await browser.get(location));
    },
    /** Signs in on the page of development. */
    async signIn(shown: Shown, subject = "ada"): Promise<Shown> {
      return browser.follow(await browser.post("/oauth/continue", { ...fieldsOf(shown), subject, claims: "{}" }));
    },
    decide: async (shown: Shown, decision: "allow" | "deny"): Promise<Shown> =>
      browser.follow(await browser.post("/oauth/continue", { ...fieldsOf(shown), decision })),
  };
  return browser;
}

export type CookieBrowser = ReturnType<typeof openCookieBrowser>;

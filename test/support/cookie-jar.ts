/** A browser without scripts: it keeps cookies by host, follows redirects step by step, and sends forms. */
export type Visitor = {
  /** Follows redirects until a page answers, or until a URL begins with `until`, which is not fetched. */
  open(url: string, options?: { until?: string }): Promise<Visit>;
  /** Sends the only form of a page, with these fields beside its own. */
  submit(visit: Visit, fields: Record<string, string>, options?: { until?: string }): Promise<Visit>;
};

/** Where a browser has arrived. `status` is 0 where it was not fetched. */
export type Visit = { url: string; status: number; body: string };

const MAX_REDIRECTS = 15;

/** `cookies`: those that it has at first, by host. */
export function openVisitor(cookies: Record<string, Record<string, string>> = {}): Visitor {
  const jars = new Map(Object.entries(cookies).map(([host, pairs]) => [host, new Map(Object.entries(pairs))]));

  async function request(url: string, init: RequestInit): Promise<Response> {
    const { host, origin } = new URL(url);
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    const cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, ...(init.method === "POST" && { origin, "sec-fetch-site": "same-origin" }) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const header of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      if (/max-age=0/i.test(header)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  async function follow(start: string, init: RequestInit, until = "none:"): Promise<Visit> {
    let [url, next] = [start, init];
    for (let count = 0; count < MAX_REDIRECTS; count += 1) {
      if (url.startsWith(until)) return { url, status: 0, body: "" };
      const response = await request(url, next);
      const location = response.headers.get("location");
      const body = await response.text();
      if (location === null) return { url, status: response.status, body };
      [url, next] = [new URL(location, url).href, {}];
    }
    throw new Error(`Too many redirects, the last one to ${url}`);
  }

  return {
    open: (url, { until } = {}) => follow(url, {}, until),
    submit(visit, fields, { until } = {}) {
      const [, action = ""] = /<form[^>]*\baction="([^"]*)"/.exec(visit.body) ?? [];
      const own = [...visit.body.matchAll(/<input[^>]*>/g)].flatMap(([tag]) => {
        const of = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
        return of("type") === "hidden" ? [[of("name") ?? "", of("value") ?? ""]] : [];
      });
      const body = new URLSearchParams({ ...Object.fromEntries(own), ...fields });
      return follow(new URL(action.replaceAll("&amp;", "&"), visit.url).href, { method: "POST", body }, until);
    },
  };
}

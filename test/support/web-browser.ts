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
  /** Without a redirect, empty. */
  location: string;
  /** As received. */
  setCookies: readonly string[];
};

/** What a browser sends with the form of a page of ours. */
const OWN_FORM = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };

/** A browser that keeps cookies by name. It goes to the server for URLs of the issuer, and follows no redirect. */
export function openWebBrowser(server: { url: string; service: { issuer: string } }) {
  const cookies = new Map<string, string>();

  function keep(setCookie: string): void {
    const [pair = ""] = setCookie.split(";");
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    if (/max-age=0/i.test(setCookie)) cookies.delete(name);
    else cookies.set(name, value);
  }

  async function visit(target: string, { form, headers = {}, withheld = false }: Visit = {}): Promise<Visited> {
    const { issuer } = server.service;
    const url = server.url + (target.startsWith(issuer) ? target.slice(issuer.length) : target);
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const own = cookie === "" || withheld ? {} : { cookie };
    const sent = form === undefined ? {} : { method: "POST", body: encodeForm(form) };
    const type = form === undefined ? {} : { "content-type": FORM, ...OWN_FORM };
    const answer = await send(url, { ...sent, headers: { ...own, ...type, ...headers } });
    const setCookies = [answer.headers["set-cookie"] ?? []].flat();
    for (const one of setCookies) keep(one);
    return { ...answer, location: String(answer.headers.location ?? ""), setCookies };
  }

  return { cookies, visit };
}

/** The hidden fields and the first values of the form of a page. */
export function fieldsIn({ text }: Answer): Record<string, string> {
  const inputs = [...text.matchAll(/<input[^>]*>/g)].map(([input]) => input);
  const attribute = (input: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1];
  return Object.fromEntries(
    inputs.map((input) => [attribute(input, "name") ?? "", textOf(attribute(input, "value") ?? "")]),
  );
}

const SIGNS = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" } as const;

function textOf(html: string): string {
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: keyof typeof SIGNS) => SIGNS[name]);
}

/** The parameters of the URL that a browser is sent to. Names may be repeated. */
export function parametersIn({ location }: Visited): [string, string][] {
  return [...new URL(location).searchParams];
}

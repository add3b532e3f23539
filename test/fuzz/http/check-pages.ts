import { ISSUER } from "../../support/service.ts";
import { type Outcome, Violation } from "../target.ts";
import type { Answer } from "./answers.ts";
import { BYE } from "./people.ts";

/** The paths at which browsers are answered by pages and redirects. */
export const PAGES = /^\/(?:oauth\/(?:authorize|continue|callback|logout)|device)(?:\?|$)/;

/** Where browsers may be sent: the server itself, or what a client has registered, with the parameters of an answer. */
const OWN = new RegExp(`^(?:${ISSUER}/|/(?![/\\\\])|\\.{0,2}/?[a-z])[^\\s]*$`);
const REGISTERED =
  /^(?:https:\/\/shop\.example\/callback|http:\/\/127\.0\.0\.1(?::\d{1,5})?\/callback|com\.example\.app:\/callback)(?:\?\S*)?$/;

/** Checks a page or a redirect. Throws a {@link Violation}. */
export function checkPageAnswer({ status, headers, body }: Answer, path: string): Outcome {
  for (const name of headers.keys())
    if (name.startsWith("access-control-")) throw new Violation("can be read by scripts of other sites");
  const isAnswer = headers.has("location") || headers.get("content-type")?.startsWith("text/html") === true;
  if (!isAnswer) return { what: `${status} ${path}`, isParsed: true };
  if (!headers.get("cache-control")?.includes("no-store")) throw new Violation("may be kept by a cache");
  const location = headers.get("location");
  if (location !== undefined) {
    if (!isAllowed(location)) throw new Violation("sends the browser to a URI that is not registered");
    const to = location.startsWith(ISSUER) ? "itself" : /[?&]code=/.test(location) ? "the client, code" : "the client";
    return { what: `${status} ${path} to ${to}`, isParsed: true };
  }
  const policy = headers.get("content-security-policy") ?? "";
  if (!policy.includes("default-src 'none'") || !policy.includes("frame-ancestors 'none'"))
    throw new Violation("is a page without its policy");
  const html = body.toString();
  if (/<script(?! (?:src|type="module" src)="[^":]*")/i.test(html))
    throw new Violation("is a page with a script in it");
  for (const [, action = ""] of html.matchAll(/<form[^>]*\baction="([^"]*)"/g)) {
    const uri = action.replaceAll("&amp;", "&");
    if (!isAllowed(uri) && !uri.startsWith("../")) throw new Violation("has a form for a URI that is not registered");
  }
  return { what: `${status} ${path} page`, isParsed: true };
}

function isAllowed(uri: string): boolean {
  return OWN.test(uri) || REGISTERED.test(uri) || uri === BYE || uri.startsWith(`${BYE}?state=`);
}

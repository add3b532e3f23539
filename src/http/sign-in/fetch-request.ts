import type { IncomingMessage } from "node:http";
import type { BrowserCookies } from "./cookies.ts";

/** Of the connection or of the body, which the request for a sign-in method does not have. */
const LEFT_OUT = /^(?::|connection$|content-|expect$|keep-alive$|proxy-|te$|trailer$|transfer-encoding$|upgrade$)/i;

/** The request of a browser as the Fetch standard has it, without a body and without the cookies of this server. */
export function toFetchRequest({ rawHeaders }: IncomingMessage, url: string, cookies: BrowserCookies): Request {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    if (LEFT_OUT.test(name)) continue;
    if (name.toLowerCase() !== "cookie") headers.append(name, value);
    else if (cookies.strip(value) !== "") headers.append(name, cookies.strip(value));
  }
  return new Request(url, { headers });
}

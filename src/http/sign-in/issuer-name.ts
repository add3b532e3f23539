import type { IncomingMessage } from "node:http";
import { baseOf } from "../../token/http-url.ts";
import { isLoopback, parseUrl } from "../request/origin.ts";
import { type Target, urlOf } from "../routes.ts";

/**
 * Makes the function that returns the URL of the issuer for a request that came by another loopback name: a browser has other
 * cookies there, so `localhost` would be another browser than `127.0.0.1`. Only from loopback to an http issuer on loopback
 * with the same port: no request leads to another machine.
 */
export function createNameCheck(issuer: string): (request: IncomingMessage, target: Target) => string | undefined {
  const own = new URL(issuer);
  if (own.protocol !== "http:" || !isLoopback(nameOf(own))) return () => undefined;
  return ({ headers: { host } }, target) => {
    const asked = target.authority ?? host;
    const url = asked === own.host ? own : parseUrl(`http://${asked}`);
    if (url === undefined || url.hostname === own.hostname) return undefined;
    return isLoopback(nameOf(url)) && url.port === own.port ? baseOf(issuer) + urlOf(target) : undefined;
  };
}

function nameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

import { isIP } from "node:net";
import { isLoopbackAddress } from "./addresses.ts";

const MAX_LENGTH = 2048;

/**
 * Neither credentials nor a fragment, also empty ones. Stricter than the URL parser, which accepts `https:host` and reads a
 * backslash as a slash.
 */
const DOCUMENT_URL = /^https?:\/\/[^\\/?#@]+(?:[/?][^\\#]*)?$/i;
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * Parses the URL of a document: absolute, https without credentials and fragment, 2,048 characters at most; or http on
 * loopback. `undefined` if it is not allowed. Not checked: the addresses of its host.
 */
export function parseDocumentUrl(text: string): URL | undefined {
  if (text.length > MAX_LENGTH || !VISIBLE.test(text) || !DOCUMENT_URL.test(text)) return undefined;
  try {
    const url = new URL(text);
    return url.protocol === "https:" || isLoopbackName(hostOf(url)) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The host of a URL: a name, or an address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The addresses of a host that needs no DNS; `undefined` for other names. `localhost` is loopback (RFC 6761 §6.3). */
export function literalAddresses(host: string): readonly string[] | undefined {
  if (host === "localhost") return ["127.0.0.1", "::1"];
  return isIP(host) === 0 ? undefined : [host];
}

function isLoopbackName(host: string): boolean {
  return literalAddresses(host)?.every(isLoopbackAddress) ?? false;
}

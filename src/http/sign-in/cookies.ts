import type { Browser, Cookies } from "../../service/authorization/step.ts";
import { isLoopbackUrl } from "../request/origin.ts";

export type BrowserCookies = {
  /** The values that a browser sent. A name that is sent twice counts as not sent: a sibling host can set another one. */
  read(header: string | undefined): Pick<Browser, "session" | "key">;
  /** The values of `Set-Cookie`. */
  write(cookies: Cookies | undefined): string[];
  /** A `Cookie` header without these cookies: an application that forwards its request must not forward them. */
  strip(header: string): string;
};

/** 256 random bits, base64url. */
const VALUE = /^[A-Za-z0-9_-]{43}$/;

/**
 * The two cookies of the browser, for an issuer; `undefined` where it is http and not loopback: they would be readable. With
 * `__Host-`, no other host can set one (RFC 6265bis §4.1.3.2). Loopback names are shared by all ports, so the names differ.
 */
export function createBrowserCookies(issuer: string): BrowserCookies | undefined {
  const { protocol, port } = new URL(issuer);
  const isSecure = protocol === "https:";
  if (!isSecure && !isLoopbackUrl(issuer)) return undefined;
  const nameOf = (word: string) => (isSecure ? `__Host-mintmark-${word}` : `mintmark-${word}-${port || 80}`);
  const names = { session: nameOf("session"), key: nameOf("key") };
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;

  function write(name: string, cookie: Cookies["session"]): string[] {
    if (cookie === undefined) return [];
    return [cookie === "clear" ? `${name}=; Max-Age=0; ${attributes}` : `${name}=${cookie.value}; ${attributes}`];
  }

  return {
    read(header = "") {
      const pairs = pairsIn(header);
      return { session: sentValue(names.session, pairs), key: sentValue(names.key, pairs) };
    },
    write: ({ session, key } = {}) => [...write(names.session, session), ...write(names.key, key)],
    strip: (header) =>
      pairsIn(header)
        .filter(({ name }) => name !== names.session && name !== names.key)
        .map(({ pair }) => pair)
        .join("; "),
  };
}

/**
 * The white space of RFC 9110 §5.6.3 alone. Without the bytes that `trim` removes too, such as A0, the name of a cookie of a
 * sibling host would be ours: to the browser, it has no prefix `__Host-`.
 */
const SPACE_BEFORE = /^[ \t]+/;

type Pair = { pair: string; name: string; value: string };

function pairsIn(header: string): Pair[] {
  return header.split(";").flatMap((text) => {
    const pair = text.replace(SPACE_BEFORE, "");
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    return pair === "" ? [] : [{ pair, name, value }];
  });
}

function sentValue(name: string, pairs: readonly Pair[]): string | undefined {
  const [found, another] = pairs.filter((pair) => pair.name === name);
  return found !== undefined && another === undefined && VALUE.test(found.value) ? found.value : undefined;
}

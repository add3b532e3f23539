import type { Config } from "./config.ts";

/** Addresses that a server can listen on and nobody can open, with one of this machine in their place. */
const EVERYWHERE: readonly (readonly [listening: string, reachable: string])[] = [
  ["//0.0.0.0", "//127.0.0.1"],
  ["//[::]", "//[::1]"],
];

/**
 * What is printed where the server listens at an origin: that origin, and what works next. Other programs read the first
 * line. Behind it stands the URL by which clients know the service, which another machine or a proxy may have.
 */
export function welcome(
  origin: string,
  { issuer, access, adminSecret }: Pick<Config, "issuer" | "access" | "adminSecret">,
): string {
  const url = (issuer ?? reachable(origin)).replace(/\/+$/, "");
  const lines = [`Open  ${url}/docs`];
  if (access === "open") lines.push(`Try   curl -s ${quoted(`${url}/trpc/getToken`)}`);
  else {
    if (adminSecret === undefined) lines.push("Add   npx mintmark clients add NAME --permissions issue");
    lines.push(
      `Try   curl -s -u ${adminSecret === undefined ? "CLIENT_ID" : "admin"} ${quoted(`${url}/trpc/getToken`)}`,
    );
  }
  return `Mintmark listening on ${origin}\n\n${lines.map((line) => `  ${line}\n`).join("")}\n`;
}

/** The origin by which this machine reaches a server that listens at an origin. */
export function reachable(origin: string): string {
  return EVERYWHERE.reduce((url, [listening, other]) => url.replace(`${listening}:`, `${other}:`), origin);
}

/** Brackets, as around an IPv6 address, mean files to some shells. */
function quoted(url: string): string {
  return /^[\w:/.-]+$/.test(url) ? url : `'${url.replaceAll("'", "%27")}'`;
}

import type { Config } from "./config.ts";

/** Wildcard addresses, which no client can open, and the loopback address for each. */
const WILDCARDS: readonly (readonly [listening: string, reachable: string])[] = [
  ["//0.0.0.0", "//127.0.0.1"],
  ["//[::]", "//[::1]"],
];

/**
 * The text that the server prints when it listens: its origin in the first line, which other programs parse, then next
 * steps with the URL of the issuer, which may be that of a proxy.
 */
export function welcome(
  origin: string,
  { issuer, access, adminSecret }: Pick<Config, "issuer" | "access" | "adminSecret">,
): string {
  const url = (issuer ?? reachable(origin)).replace(/\/+$/, "");
  const lines = [`Open  ${url}/`];
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
  return WILDCARDS.reduce((url, [listening, other]) => url.replace(`${listening}:`, `${other}:`), origin);
}

/** Some shells expand brackets, as around an IPv6 address, to file names. */
function quoted(url: string): string {
  return /^[\w:/.-]+$/.test(url) ? url : `'${url.replaceAll("'", "%27")}'`;
}

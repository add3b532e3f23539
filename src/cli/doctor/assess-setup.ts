import { BlockList, isIP } from "node:net";
import { networksIn } from "../../http/request/client.ts";
import { isLoopback, isLoopbackUrl } from "../../http/request/origin.ts";
import type { Config } from "../../program/config.ts";
import type { SettingRow } from "../setting-rows.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

/** `engines` is a range such as `>=20.19`. */
export function assessNode(version: string, engines: string): Finding {
  const [major = 0, minor = 0] = numbersIn(version);
  const [leastMajor = 0, leastMinor = 0] = numbersIn(engines);
  const isSupported = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  if (isSupported) return ok("node", `Node.js ${version} is supported`);
  return failure("node", `Node.js ${version} is not supported`, `install Node.js ${leastMajor}.${leastMinor} or later`);
}

function numbersIn(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}

/** Whether a server that starts with this environment changes what is stored. */
export function assessSettings(rows: readonly SettingRow[]): Finding {
  const changed = rows.filter(({ nextStart }) => nextStart !== undefined);
  if (changed.length === 0) return ok("settings", "The environment agrees with the stored settings");
  const changes = changed.map(({ variable, value, nextStart }) => `${variable} from ${value} to ${nextStart}`);
  const message = `A server that starts with this environment changes ${changes.join(", ")}`;
  return warning(
    "settings",
    message,
    "use the environment of the server, or restart the server if the change is meant",
  );
}

export type ProxyEvidence = {
  /** The issuer in force. */
  issuer: string;
  config: Pick<Config, "host" | "port" | "trustProxy">;
  /** Addresses of callers that were refused within the last day; undefined where they are unknown. */
  refused: readonly string[] | undefined;
};

/** Whether callers behind a proxy are counted by their own addresses. */
export function assessProxy({ issuer, config, refused }: ProxyEvidence): Finding {
  const { trustProxy } = config;
  if (!hasProxy(issuer, config)) return ok("proxy", "The issuer is this server's own address, so no proxy is expected");
  if (trustProxy.length === 0)
    return warning(
      "proxy",
      `The issuer ${issuer} points to a proxy and MINTMARK_TRUST_PROXY is empty, so limits count all callers as one address`,
      "set MINTMARK_TRUST_PROXY to the addresses of the proxy, such as loopback",
    );
  if (refused === undefined || refused.length === 0)
    return ok("proxy", "MINTMARK_TRUST_PROXY is set; not verified, since no call was refused within the last day");
  const isProxy = createMatcher(trustProxy);
  if (refused.some((address) => !isProxy(address)))
    return ok("proxy", "The proxy forwards addresses: refused calls of the last day have addresses of callers");
  return warning(
    "proxy",
    "All calls that were refused within the last day have the address of a trusted proxy, so it may not forward the address of the caller",
    "let the proxy set X-Forwarded-For to the address that it sees",
  );
}

/** An https issuer ends TLS elsewhere. An http issuer may name this server itself, by its port. */
function hasProxy(issuer: string, { host, port }: ProxyEvidence["config"]): boolean {
  const { protocol, hostname, port: issuerPort } = new URL(issuer);
  if (protocol === "https:") return true;
  if (isLoopback(host)) return !isLoopbackUrl(issuer);
  return hostname.replace(/^\[|\]$/g, "") !== host && Number(issuerPort || 80) !== port;
}

function createMatcher(entries: readonly string[]): (address: string) => boolean {
  const networks = new BlockList();
  for (const { address, length, family } of entries.flatMap((entry) => networksIn(entry) ?? []))
    networks.addSubnet(address, length, family);
  return (address) => isIP(address) !== 0 && networks.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

export function assessAccess({ access }: Pick<Config, "access">, issuer: string): Finding {
  if (access === "clients") return ok("access", "Callers authenticate as clients");
  if (isLoopbackUrl(issuer)) return ok("access", "Access is open, on this machine alone");
  return warning(
    "access",
    `Access is open and the issuer ${issuer} is on another host: every program on this machine may issue its tokens`,
    "set MINTMARK_ACCESS=clients",
  );
}

export function assessAdmin({ adminSecret }: Pick<Config, "adminSecret">, isThere: boolean): Finding {
  if (adminSecret !== undefined) return ok("admin", 'MINTMARK_ADMIN_SECRET is the secret of the client "admin"');
  if (!isThere) return ok("admin", 'There is no client "admin"');
  return warning(
    "admin",
    'MINTMARK_ADMIN_SECRET is not set, and the client "admin" that it made is still an administrator',
    "remove it by  mintmark clients remove admin, or set the variable again",
  );
}

import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { StartError } from "../../errors.ts";

/** Tells the address of whoever sent a request. */
export type AddressOf = (request: IncomingMessage) => string;

/**
 * Makes what tells where requests come from: from the other end of the connection. Where that is a trusted proxy, from
 * where this one says by `X-Forwarded-For`, and so on for a proxy that it names: the rightmost address that is not
 * trusted, for anybody can write whatever they like to the left of it. What is no address ends the search, so that
 * the proxy which passed it on stands for it. Nothing else of what proxies say is looked at.
 *
 * Takes addresses, networks such as `10.0.0.0/8`, and `loopback`. Throws a {@link StartError} for anything else.
 */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  if (trusted.length === 0) return peerOf;
  const proxies = trustList(trusted);
  return (request) => {
    let address = peerOf(request);
    const { "x-forwarded-for": forwarded = "" } = request.headers;
    const hops = String(forwarded).split(",");
    while (isTrusted(proxies, address)) {
      const hop = plainAddress(hops.pop());
      if (hop === undefined) break;
      address = hop;
    }
    return address;
  };
}

function peerOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? "unknown";
}

/** Some proxies name the port as well. */
function plainAddress(hop = ""): string | undefined {
  const text = hop.trim();
  const [, bracketed, dotted] = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text) ?? [];
  const address = bracketed ?? dotted ?? text;
  return isIP(address) === 0 ? undefined : address;
}

function isTrusted(proxies: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 4 ? "ipv4" : "ipv6");
}

function trustList(trusted: readonly string[]): BlockList {
  const proxies = new BlockList();
  for (const entry of trusted) {
    const networks = networksIn(entry);
    if (networks === undefined) throw new StartError(`trustProxy ${PROXIES}`);
    for (const { address, length, family } of networks) proxies.addSubnet(address, length, family);
  }
  return proxies;
}

type Network = { address: string; length: number; family: "ipv4" | "ipv6" };

const LOOPBACK: readonly Network[] = [
  { address: "127.0.0.0", length: 8, family: "ipv4" },
  { address: "::1", length: 128, family: "ipv6" },
];

/** What trusted proxies have to be. */
export const PROXIES = "must be addresses, networks such as 10.0.0.0/8, or loopback";

/** The networks that an entry of the list of trusted proxies stands for, or `undefined` if it is none. */
export function networksIn(entry: string): readonly Network[] | undefined {
  if (entry === "loopback") return LOOPBACK;
  const [, address = "", prefix] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const length = Number(prefix ?? bits);
  if (version === 0 || length > bits) return undefined;
  return [{ address, length, family: version === 4 ? "ipv4" : "ipv6" }];
}

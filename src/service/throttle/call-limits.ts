import { createHash } from "node:crypto";
import { coalesce } from "../../async/coalesce.ts";
import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { createFixedWindow, type FixedWindow, type Unshared, WINDOW } from "./fixed-window.ts";

/** Procedures that share a limit: `issue` is `getToken` and `refreshToken`, `verify` is `verifyToken` and `introspectToken`. */
export type Rate = "issue" | "verify";

/** Calls a minute; 0 is unlimited. */
export type RateLimits = Record<Rate, { perClient: number; perAddress: number }>;

/** Absent limits have their defaults. */
export type RateLimitOptions = { [R in Rate]?: { [By in keyof RateLimits[R]]?: number | undefined } };

/** Far above the needs of a well-behaved caller, far below the capacity of a process. */
const DEFAULT_RATES: RateLimits = {
  issue: { perClient: 30_000, perAddress: 60_000 },
  verify: { perClient: 300_000, perAddress: 600_000 },
};

export const NO_RATES: RateLimits = {
  issue: { perClient: 0, perAddress: 0 },
  verify: { perClient: 0, perAddress: 0 },
};

/** Applies the defaults. Where access is open, the default is unlimited. */
export function resolveRateLimits(options: RateLimitOptions, open: boolean): RateLimits {
  const defaults = open ? NO_RATES : DEFAULT_RATES;
  const resolve = (rate: Rate) => ({
    perClient: options[rate]?.perClient ?? defaults[rate].perClient,
    perAddress: options[rate]?.perAddress ?? defaults[rate].perAddress,
  });
  return { issue: resolve("issue"), verify: resolve("verify") };
}

/** Most counts shared at a time, the largest first. */
const MAX_SHARED = 500;

/** Counts calls. Returns the error for a call over the limit. */
export type CallLimits = {
  ofAddress(rate: Rate, address: string): MintmarkError | undefined;
  /** `client` is its id, or stands for the client at an address. */
  ofClient(rate: Rate, client: string, address: string): MintmarkError | undefined;
  /** Adds the counts of this process to those in the store, and reads the totals of all processes. */
  share(): Promise<void>;
};

export type CallLimitsOptions = {
  store: Pick<Store, "shared" | "addToCounts">;
  clock: Clock;
  audit: Pick<AuditLog, "countDenial">;
  rateLimits: RateLimits;
};

/**
 * The rate limits. Exact within a process. Processes share their counts every second: together they admit the limit, plus
 * what each admits within a second, or a hundredth of the limit if that is more. Without the database, each process counts
 * alone.
 */
export function createCallLimits({ store, clock, audit, rateLimits }: CallLimitsOptions): CallLimits {
  const names = new Map<FixedWindow, string>();
  const limitOf = (rate: Rate, by: keyof RateLimits[Rate]) => {
    const { [by]: calls } = rateLimits[rate];
    if (calls === 0) return undefined;
    const limit = createFixedWindow(calls, clock);
    names.set(limit, `${rate} ${by}`);
    return limit;
  };
  const limits = {
    issue: { client: limitOf("issue", "perClient"), address: limitOf("issue", "perAddress") },
    verify: { client: limitOf("verify", "perClient"), address: limitOf("verify", "perAddress") },
  };

  function refuse(address: string, retryAfter: Seconds): MintmarkError {
    audit.countDenial({ address, reason: "rate_limited" });
    return new MintmarkError("rate_limited", { retryAfter });
  }

  return {
    ofAddress(rate, address) {
      const wait = limits[rate].address?.take(addressPrefix(address)) ?? 0;
      return wait > 0 ? refuse(address, wait) : undefined;
    },
    ofClient(rate, client, address) {
      const wait = limits[rate].client?.take(client) ?? 0;
      return wait > 0 ? refuse(address, wait) : undefined;
    },
    // Serialised: no count may be shared twice.
    share: coalesce(async () => {
      if (!store.shared) return;
      const unshared = [...names].flatMap(([limit, name]) => limit.unshared().map((one) => ({ name, ...one })));
      const largest = unshared.sort((a, b) => b.amount - a.amount).slice(0, MAX_SHARED);
      if (largest.length === 0) return;
      const totals = await store.addToCounts(largest.map(toAddition));
      for (const [at, { confirm }] of largest.entries()) confirm(totals[at] ?? 0);
    }),
  };
}

function toAddition({ name, key, window, amount }: Unshared & { name: string }) {
  return { id: countId(name, key, window), amount, until: window + WINDOW };
}

/** The id of a count in the store. Hashed: the parts may be any text from a request. */
export function countId(...parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

const GROUPS = 8;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Cached prefixes: parsing an address takes 4 µs, a lookup 0.1 µs. Not by a package for addresses: parsing takes as long or
 * longer there, and accepts other spellings, such as `0x7f.1`.
 */
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

import { createHash } from "node:crypto";
import { coalesce } from "../../async/coalesce.ts";
import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { addressPrefix } from "./address-prefix.ts";
import { createFixedWindow, type FixedWindow, type Unshared, WINDOW } from "./fixed-window.ts";

/** What is counted together: `issue` is `getToken` and `refreshToken`, `verify` is `verifyToken` and `introspectToken`. */
export type Rate = "issue" | "verify";

/** Calls a minute; 0 is no limit. */
export type RateLimits = Record<Rate, { perClient: number; perAddress: number }>;

/** Each that is left out is as by default. */
export type RateLimitOptions = { [R in Rate]?: { [By in keyof RateLimits[R]]?: number | undefined } };

/** Far above what one caller needs who means well, and far below what one process can do. */
const DEFAULT_RATES: RateLimits = {
  issue: { perClient: 30_000, perAddress: 60_000 },
  verify: { perClient: 300_000, perAddress: 600_000 },
};

export const NO_RATES: RateLimits = {
  issue: { perClient: 0, perAddress: 0 },
  verify: { perClient: 0, perAddress: 0 },
};

/** Fills in the defaults: where access is open, there are no limits. */
export function resolveRateLimits(options: RateLimitOptions, open: boolean): RateLimits {
  const defaults = open ? NO_RATES : DEFAULT_RATES;
  const settled = (rate: Rate) => ({
    perClient: options[rate]?.perClient ?? defaults[rate].perClient,
    perAddress: options[rate]?.perAddress ?? defaults[rate].perAddress,
  });
  return { issue: settled("issue"), verify: settled("verify") };
}

/** Counts that are told to the others at a time, the largest first. */
const MAX_SHARED = 500;

/** Counts calls, and gives what those that are too many are refused with. */
export type CallLimits = {
  ofAddress(rate: Rate, address: string): MintmarkError | undefined;
  ofClient(rate: Rate, clientId: string, address: string): MintmarkError | undefined;
  /** Tells the other processes, by the store, what was counted here, and hears what they have counted. */
  share(): Promise<void>;
};

export type CallLimitsOptions = {
  store: Pick<Store, "shared" | "addToCounts">;
  clock: Clock;
  audit: Pick<AuditLog, "countDenial">;
  rateLimits: RateLimits;
};

/**
 * The limits on rates. They hold within a process at once. Over all of them they hold within a second, since one that
 * lets in a call is told by then what all have let in: so beyond the limit, a minute sees at most what each lets in
 * within a second, or a hundredth of the limit if that is more. Without the database each holds its own.
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
    audit.countDenial(address, "rate_limited");
    return new MintmarkError("rate_limited", { retryAfter });
  }

  return {
    ofAddress(rate, address) {
      const wait = limits[rate].address?.take(addressPrefix(address)) ?? 0;
      return wait > 0 ? refuse(address, wait) : undefined;
    },
    ofClient(rate, clientId, address) {
      const wait = limits[rate].client?.take(clientId) ?? 0;
      return wait > 0 ? refuse(address, wait) : undefined;
    },
    // One at a time: what is on its way must not be told twice.
    share: coalesce(async () => {
      if (!store.shared) return;
      const unshared = [...names].flatMap(([limit, name]) => limit.unshared().map((one) => ({ name, ...one })));
      const largest = unshared.sort((a, b) => b.amount - a.amount).slice(0, MAX_SHARED);
      if (largest.length === 0) return;
      const totals = await store.addToCounts(largest.map(toAddition));
      for (const [at, { settle }] of largest.entries()) settle(totals[at] ?? 0);
    }),
  };
}

function toAddition({ name, key, window, amount }: Unshared & { name: string }) {
  return { id: countId(name, key, window), amount, until: window + WINDOW };
}

/** Names a count. Hashed, since it may be made of anything that a caller has sent. */
export function countId(...parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

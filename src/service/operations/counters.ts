import { MintmarkError, verificationReasons } from "../../errors.ts";
import type { KeyState } from "../../keys/lifecycle.ts";
import type { Seconds } from "../../time.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Timing } from "./instrument-store.ts";
import type { Tasks } from "./tasks.ts";

/** Outcomes of a verification. */
const outcomes = ["valid", ...verificationReasons, "internal_error"] as const;
type Outcome = (typeof outcomes)[number];

/** Counters since the start: plain numbers, so that counting takes nanoseconds. */
export type Counters = {
  issued: { getToken: number; refreshToken: number; exchangeCode: number };
  verified: Record<Outcome, number>;
  revoked: Record<RevokedKind | "key", number>;
};

export function createCounters(): Counters {
  return {
    issued: { getToken: 0, refreshToken: 0, exchangeCode: 0 },
    verified: Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Counters["verified"],
    revoked: { token: 0, session: 0, subject: 0, client: 0, key: 0 },
  };
}

/** Counts a verification by its error, if any. */
export function countVerified({ verified }: Counters, error: unknown): void {
  if (error === undefined) {
    verified.valid += 1;
    return;
  }
  const reason = error instanceof MintmarkError ? error.reason : "internal_error";
  verified[outcomes.find((outcome) => outcome === reason) ?? "internal_error"] += 1;
}

/** Counters and gauges of a service. All names are from closed lists; none comes from a request. */
export type Metrics = Counters & {
  /** By store method; only of methods that were called. */
  store: ReadonlyMap<string, Timing>;
  tasks: Tasks["states"];
  followers: number;
  /** Number of updates that the slowest follower has not been sent. */
  behind: number;
  /** Age of the revocation data. */
  trustAge: Seconds;
  /** Revocations in memory. */
  held: number;
  keys: Record<KeyState, number>;
  /** Absent with a shared secret, and where no key can be opened. */
  signingKey?: { age: Seconds; signsFor: Seconds };
};

/** Keys by state; age of the signing key, and time until its rotation is due. */
export function measureKeys(
  keys: LoadedKeys,
  { now, rotation }: { now: Seconds; rotation: Seconds },
): Pick<Metrics, "keys" | "signingKey"> {
  const { timelines, signing } = keys.current();
  const counted = { pending: 0, active: 0, retiring: 0, removed: 0 };
  for (const { state } of timelines) counted[state] += 1;
  const timeline = timelines.find(({ key }) => key.kid === signing?.kid);
  if (timeline === undefined) return { keys: counted };
  const { activatesAt } = timeline.key;
  return {
    keys: counted,
    signingKey: { age: now - activatesAt, signsFor: (timeline.retiresAt ?? activatesAt + rotation) - now },
  };
}

export function measureTrust(trust: StoreFollower): Pick<Metrics, "trustAge" | "held"> {
  return { trustAge: (performance.now() - trust.knownAt()) / 1000, held: trust.state().size };
}

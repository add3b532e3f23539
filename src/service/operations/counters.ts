import { MintmarkError, type Reason } from "../../errors.ts";
import type { KeyState } from "../../keys/lifecycle.ts";
import type { Seconds } from "../../time.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Timing } from "./instrument-store.ts";
import type { Tasks } from "./tasks.ts";

/** What a verification can come to. */
const outcomes = [
  "valid",
  "invalid_token",
  "token_expired",
  "token_revoked",
  "not_yet_valid",
  "wrong_issuer",
  "wrong_audience",
  "insufficient_scope",
  "verifier_stale",
  "unavailable",
  "internal_error",
] as const satisfies readonly ("valid" | Reason)[];
type Outcome = (typeof outcomes)[number];

/**
 * What has been done since the start. Plain numbers, to be counted up where it is done: that takes nanoseconds,
 * and nobody need look at them.
 */
export type Counters = {
  issued: { getToken: number; refreshToken: number };
  verified: Record<Outcome, number>;
  revoked: Record<RevokedKind | "key", number>;
};

export function createCounters(): Counters {
  return {
    issued: { getToken: 0, refreshToken: 0 },
    verified: Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Counters["verified"],
    revoked: { token: 0, session: 0, subject: 0, client: 0, key: 0 },
  };
}

/** Counts a verification by what refused the token, if anything did. */
export function countVerified({ verified }: Counters, refusal: unknown): void {
  if (refusal === undefined) {
    verified.valid += 1;
    return;
  }
  const reason = refusal instanceof MintmarkError ? refusal.reason : "internal_error";
  verified[outcomes.find((outcome) => outcome === reason) ?? "internal_error"] += 1;
}

/** What a service has done, and how it is. All names in it are of closed lists: none comes from a request. */
export type Metrics = Counters & {
  /** By the verb of the store; of those that were called. */
  store: ReadonlyMap<string, Timing>;
  tasks: Tasks["states"];
  followers: number;
  /** How many changes the follower that is most behind has not been sent. */
  behind: number;
  /** How old what this server knows of the store is. */
  trustAge: Seconds;
  /** Revocations that still matter. */
  held: number;
  keys: Record<KeyState, number>;
  /** Absent with a shared secret, and where none can be opened. */
  signingKey?: { age: Seconds; signsFor: Seconds };
};

/** How old the key is that signs, and for how long it goes on. It is to be followed by then, whether or not the next key is there. */
export function measureKeys(
  keys: LoadedKeys,
  { now, rotation }: { now: Seconds; rotation: Seconds },
): Pick<Metrics, "keys" | "signingKey"> {
  const { timelines: lives, signing } = keys.current();
  const counted = { pending: 0, active: 0, retiring: 0, removed: 0 };
  for (const { state } of lives) counted[state] += 1;
  const life = lives.find(({ key }) => key.kid === signing?.kid);
  if (life === undefined) return { keys: counted };
  const { activatesAt } = life.key;
  return {
    keys: counted,
    signingKey: { age: now - activatesAt, signsFor: (life.retiresAt ?? activatesAt + rotation) - now },
  };
}

export function measureTrust(trust: StoreFollower): Pick<Metrics, "trustAge" | "held"> {
  return { trustAge: (performance.now() - trust.knownAt()) / 1000, held: trust.state().size };
}

import { StartError } from "../errors.ts";
import { PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { KeyEncryptionKey } from "../keys/seal.ts";
import type { Store } from "../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../time.ts";
import { type AnyClaims, anyClaims, type ClaimsSchema, checkClaimsSchema } from "../token/claims.ts";
import { type RateLimitOptions, settleRates } from "./rates.ts";
import type { Tracer } from "./tracer.ts";

export type TokenServiceOptions<Schema extends ClaimsSchema = AnyClaims> = {
  /**
   * The `iss` of every token. Default: the origin that `createTokenServer` listens on, `http://127.0.0.1:3000` without one.
   * Never taken from a request.
   */
  issuer?: string;
  /** The `aud` of a token that asks for none, and the one expected where none is named. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema;
  /** Where state lives. Default: the embedded database in `.mintmark`. */
  store?: Store;
  /** Algorithm of the next key. Default: that of the stored settings, else `ES256`. */
  alg?: KeyPairAlgorithm;
  /** Signs by HS256 with this secret of at least 32 bytes, and `alg` and the stored keys are left aside. */
  secret?: string;
  /** Encrypts private keys at rest: 32 bytes. Default: they are not encrypted. */
  kek?: KeyEncryptionKey;
  /** Lifetime of a token that asks for none. Default 900. */
  ttl?: Seconds;
  /** Longest lifetime that may be asked for. Default 86,400. */
  maxTtl?: Seconds;
  /** How long a key signs. Default 30 days; at least twice as long as a key is published ahead. */
  rotation?: Seconds;
  /** How long a refresh token may go on being exchanged for the next: in all, and between two times. Default 30 and 7 days. */
  refreshTtl?: Seconds;
  refreshIdle?: Seconds;
  /** How long a used refresh token is answered as before, for whoever never got the answer. Default 10. */
  replayWindow?: Seconds;
  /** How long tokens are verified without the database, before that is refused with `verifier_stale`. Default 30. */
  maxStaleness?: Seconds;
  /** Most followers of the events at a time, of all clients and of one. Default 10,000 and 2,500. */
  maxFollowers?: { total: number; perClient: number };
  /**
   * Most calls a minute of one client and from one address, 0 for any number. Default: none where access is open; else,
   * to issue, 30,000 and 60,000, and to verify, 300,000 and 600,000. Calls are counted where they come in: by
   * `authenticate`, where it is told their rate, and by `verifyToken`, where it is told their address.
   */
  rateLimits?: RateLimitOptions;
  /** How long audit records are kept. Default 90 days. */
  auditRetention?: Seconds;
  /**
   * Whether keys are made, rotated in time, and what is past forgotten. Of several processes, one has to, and to be
   * the first that is opened. Default true.
   */
  keeps?: boolean;
  /**
   * Whether another service serves the data: this one then signs with the stored issuer, audience and algorithm, makes a key
   * only when told to, and deletes nothing. Default false.
   */
  guest?: boolean;
  /** Whether callers without credentials may do everything. Default true: the server then listens on loopback only. */
  open?: boolean;
  /**
   * Makes spans of procedures and of calls of the store: `trace.getTracer("mintmark")` of `@opentelemetry/api`, for
   * one. They tell names and refusals, never what came in. Default: none are made, and nothing is done for any.
   */
  tracer?: Tracer;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Receives one sentence for an operator, where a stored setting changes or differs. Default: nobody does. */
  onNotice?: (sentence: string) => void;
  /** Hears of work in the background that failed: most of it is tried again. Default: nobody does. */
  onError?: (work: string, error: unknown) => void;
};

const DAY: Seconds = 86400;

/** Fills in the defaults. Throws a {@link StartError} for options that cannot be. */
export function settle<Schema extends ClaimsSchema>(options: TokenServiceOptions<Schema>) {
  const custom = (options.claims ?? anyClaims) as Schema;
  checkClaimsSchema(custom);
  const { rotation = 30 * DAY, guest = false } = options;
  if (rotation < 2 * PUBLISH_AHEAD) {
    throw new StartError(
      `MINTMARK_ROTATION must be at least ${2 * PUBLISH_AHEAD}: a key is published ${PUBLISH_AHEAD} seconds before it signs`,
    );
  }
  return {
    given: { issuer: options.issuer, audience: options.audience, alg: options.alg, maxTtl: options.maxTtl ?? DAY },
    custom,
    rotation,
    secret: options.secret,
    kek: options.kek,
    ttl: options.ttl ?? 900,
    maxTtl: options.maxTtl ?? DAY,
    sessions: {
      ttl: options.refreshTtl ?? 30 * DAY,
      idle: options.refreshIdle ?? 7 * DAY,
      replayWindow: options.replayWindow ?? 10,
    },
    maxStaleness: options.maxStaleness ?? 30,
    maxFollowers: options.maxFollowers ?? { total: 10_000, perClient: 2_500 },
    rateLimits: settleRates(options.rateLimits ?? {}, options.open ?? true),
    auditRetention: options.auditRetention ?? 90 * DAY,
    guest,
    keeps: !guest && (options.keeps ?? true),
    open: options.open ?? true,
    tracer: options.tracer,
    clock: options.clock ?? systemClock,
    onNotice: options.onNotice ?? (() => {}),
    onError: options.onError ?? (() => {}),
  };
}

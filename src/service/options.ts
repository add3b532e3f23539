import { z } from "zod";
import { StartError } from "../errors.ts";
import type { KeyEncryptionKey } from "../keys/key-wrapping.ts";
import { PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import { KEY_PAIR_ALGORITHMS, type KeyPairAlgorithm } from "../keys/public-jwk.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "../keys/shared-secret.ts";
import type { Store } from "../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../time.ts";
import { checkOptions, clockOption, functionOption, type OptionSchemas, objectWith } from "../token/check-options.ts";
import { type AnyClaims, anyClaims, type ClaimsSchema, checkClaimsSchema, identifier } from "../token/claims.ts";
import { isHttpUrl } from "../token/http-url.ts";
import { hasInvisible, isPlainText, PLAIN_TEXT } from "../token/invisible.ts";
import type { Tracer } from "./operations/tracer.ts";
import { type RateLimitOptions, resolveRateLimits } from "./throttle/call-limits.ts";

export type TokenServiceOptions<Schema extends ClaimsSchema = AnyClaims> = {
  /**
   * The `iss` of every token: an http or https URL, compared as a string. Default: the origin that `createTokenServer`
   * listens on, `http://127.0.0.1:3000` without one. Never derived from a request.
   */
  issuer?: string;
  /** The `aud` where a request names none, for issuance and for verification. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims: an object schema of `zod` 4 or `zod/mini`. Default: any JSON object. */
  claims?: Schema;
  /** Persistent state. Default: the embedded database in `.mintmark`. */
  store?: Store;
  /** Algorithm of the next key. Default: the stored setting, else `ES256`. */
  alg?: KeyPairAlgorithm;
  /** Signs with HS256 and this secret of at least 32 bytes; ignores `alg` and the stored keys. Default: key pairs sign. */
  secret?: string;
  /** Key-encryption key for private keys at rest: 32 bytes, as a Buffer or a Uint8Array. Default: no encryption. */
  kek?: KeyEncryptionKey;
  /** Default lifetime of a token, at most `maxTtl`. Default 900, or `maxTtl` if that is less. */
  ttl?: Seconds;
  /** Longest lifetime that may be requested. Default 86,400. */
  maxTtl?: Seconds;
  /** How long a key signs. At least twice the time that a key is published before it signs. Default 30 days. */
  rotation?: Seconds;
  /** Lifetime of a grant, and its longest idle time between two refreshes. Default 30 and 7 days. */
  refreshTtl?: Seconds;
  refreshIdle?: Seconds;
  /** How long a used refresh token returns the same successor, for lost responses. Less than `refreshIdle`. Default 10. */
  replayWindow?: Seconds;
  /** How long tokens are verified without the database; later, verification fails with `verifier_stale`. Default 30. */
  maxStaleness?: Seconds;
  /** Most followers of the trust events at a time, in total and per client. Default 10,000 and 2,500. */
  maxFollowers?: { total: number; perClient: number };
  /**
   * Most calls a minute per client and per address; 0 is unlimited. Default: unlimited where access is open; else 30,000
   * and 60,000 to issue, 300,000 and 600,000 to verify. `authenticate` counts a call if it is given a rate, `verifyToken`
   * if it is given an address.
   */
  rateLimits?: RateLimitOptions;
  /** Lifetime of a sign-in session. Default 7 days. */
  sessionTtl?: Seconds;
  /** `open`: programs can register themselves as clients (RFC 7591), which may ask people for open resources. Default: none can. */
  registration?: "open";
  /** Retention of audit records. Default 90 days. */
  auditRetention?: Seconds;
  /**
   * Whether this process runs maintenance: key generation, rotation, pruning. Exactly one of several processes must; open
   * it first. Default true.
   */
  runsMaintenance?: boolean;
  /**
   * Whether another service owns the data. A guest uses the stored issuer, audience and algorithm, generates keys only on
   * request, and deletes nothing. Default false.
   */
  guest?: boolean;
  /** Whether callers without credentials have every permission; the server then listens on loopback only. Default true. */
  open?: boolean;
  /**
   * Creates spans of procedures and of store calls, such as `trace.getTracer("mintmark")` of `@opentelemetry/api`. Spans
   * contain names and error reasons, never inputs. Default: no spans.
   */
  tracer?: Tracer;
  /** Returns whole Unix seconds. Called once at the start as a check. Default: the system clock. */
  clock?: Clock;
  /** Receives one sentence for operators where a stored setting changes or differs. Default: none. */
  onNotice?: (sentence: string) => void;
  /** Receives failures of background work, most of which is retried. Default: none. */
  onError?: (work: string, error: unknown) => void;
};

const DAY: Seconds = 86400;
const DECADE: Seconds = 3660 * DAY;

const wholeSeconds = `must be a whole number of seconds, 1 to ${DECADE}`;
const seconds = z.int(wholeSeconds).min(1, wholeSeconds).max(DECADE, wholeSeconds);
const count = z.int("must be a whole number, 0 or more").min(0, "must be a whole number, 0 or more");
const rate = z.strictObject({ perClient: count.optional(), perAddress: count.optional() }).optional();
const storeOption = objectWith(
  ["listKeys", "findGrant", "revoke", "watch", "close"],
  "a store of openSqliteStore or openPostgresStore",
);

const schemas: OptionSchemas<TokenServiceOptions<ClaimsSchema>> = {
  issuer: z.optional(
    identifier.check(
      z.refine((url) => !hasInvisible(url), PLAIN_TEXT),
      z.refine(isHttpUrl, "must be an http or https URL without query, fragment or credentials"),
      z.refine(isPlainText, PLAIN_TEXT),
    ),
  ),
  audience: z.optional(identifier.check(z.refine(isPlainText, PLAIN_TEXT))),
  claims: z.unknown().optional(),
  store: z.optional(storeOption),
  alg: z.enum(KEY_PAIR_ALGORITHMS).optional(),
  secret: z.string().refine(isLongSecret, `must have at least ${MIN_SECRET_BYTES} bytes`).optional(),
  kek: z.custom(isKek, "must be 32 bytes, as a Buffer or a Uint8Array").optional(),
  ttl: seconds.optional(),
  maxTtl: seconds.optional(),
  rotation: seconds
    .min(
      2 * PUBLISH_AHEAD,
      `must be at least ${2 * PUBLISH_AHEAD} seconds: a key is published ${PUBLISH_AHEAD} seconds before it signs`,
    )
    .optional(),
  refreshTtl: seconds.optional(),
  refreshIdle: seconds.optional(),
  replayWindow: z.int(wholeSeconds).min(0, wholeSeconds).max(DECADE, wholeSeconds).optional(),
  maxStaleness: z.number().positive().optional(),
  maxFollowers: z.strictObject({ total: count, perClient: count }).optional(),
  rateLimits: z.strictObject({ issue: rate, verify: rate }).optional(),
  sessionTtl: seconds.optional(),
  registration: z.enum(["open"]).optional(),
  auditRetention: seconds.optional(),
  runsMaintenance: z.boolean().optional(),
  guest: z.boolean().optional(),
  open: z.boolean().optional(),
  tracer: z.optional(objectWith(["startActiveSpan"], "a tracer of OpenTelemetry")),
  clock: z.optional(clockOption),
  onNotice: z.optional(functionOption),
  onError: z.optional(functionOption),
};

function isKek(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 32;
}

/** Describes options that are valid alone and conflict with each other. */
function conflictIn({ ttl, maxTtl = DAY, replayWindow, refreshIdle = IDLE }: TokenServiceOptions<ClaimsSchema>) {
  if (ttl !== undefined && ttl > maxTtl) return `ttl must be at most maxTtl, which is ${maxTtl}`;
  if (replayWindow !== undefined && replayWindow >= refreshIdle)
    return `replayWindow must be less than refreshIdle, which is ${refreshIdle}`;
  return undefined;
}

const IDLE: Seconds = 7 * DAY;

/** Applies defaults. Throws a {@link StartError} for invalid options. */
export function resolveOptions<Schema extends ClaimsSchema>(options: TokenServiceOptions<Schema>) {
  checkOptions("createTokenService", schemas, options);
  const conflict = conflictIn(options);
  if (conflict !== undefined) throw new StartError(`createTokenService: ${conflict}`);
  const claimsSchema = (options.claims === undefined ? anyClaims : options.claims) as Schema;
  checkClaimsSchema(claimsSchema);
  const { rotation = 30 * DAY, guest = false, maxTtl = DAY, refreshIdle = IDLE } = options;
  return {
    given: {
      issuer: options.issuer,
      audience: options.audience,
      alg: options.alg,
      ttl: options.ttl ?? Math.min(900, maxTtl),
      maxTtl,
    },
    claimsSchema,
    rotation,
    secret: options.secret,
    kek: options.kek,
    ttl: options.ttl ?? Math.min(900, maxTtl),
    maxTtl,
    grants: {
      ttl: options.refreshTtl ?? 30 * DAY,
      idle: refreshIdle,
      replayWindow: options.replayWindow ?? Math.min(10, refreshIdle - 1),
    },
    maxStaleness: options.maxStaleness ?? 30,
    maxFollowers: options.maxFollowers ?? { total: 10_000, perClient: 2_500 },
    rateLimits: resolveRateLimits(options.rateLimits ?? {}, options.open ?? true),
    sessionTtl: options.sessionTtl ?? 7 * DAY,
    registration: options.registration,
    auditRetention: options.auditRetention ?? 90 * DAY,
    guest,
    runsMaintenance: !guest && (options.runsMaintenance ?? true),
    open: options.open ?? true,
    tracer: options.tracer,
    clock: options.clock ?? systemClock,
    onNotice: options.onNotice ?? (() => {}),
    onError: options.onError ?? (() => {}),
  };
}

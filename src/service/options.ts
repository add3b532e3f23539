import { z } from "zod";
import { StartError } from "../errors.ts";
import type { KeyEncryptionKey } from "../keys/key-wrapping.ts";
import { PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
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
   * The `iss` of every token, an http or https URL, compared as it is written. Default: the origin that `createTokenServer` listens on, `http://127.0.0.1:3000` without one.
   * Never taken from a request.
   */
  issuer?: string;
  /** The `aud` of a token that asks for none, and the one expected where none is named. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims: an object, of `zod` 4 or `zod/mini`. Default: any JSON object. */
  claims?: Schema;
  /** Where state lives. Default: the embedded database in `.mintmark`. */
  store?: Store;
  /** Algorithm of the next key. Default: that of the stored settings, else `ES256`. */
  alg?: KeyPairAlgorithm;
  /** Signs by HS256 with this secret of at least 32 bytes, and `alg` and the stored keys are left aside. */
  secret?: string;
  /** Encrypts private keys at rest: 32 bytes, as a Buffer or a Uint8Array. Default: they are not encrypted. */
  kek?: KeyEncryptionKey;
  /** Lifetime of a token that asks for none, `maxTtl` at most. Default 900, or `maxTtl` where that is less. */
  ttl?: Seconds;
  /** Longest lifetime that may be asked for. Default 86,400. */
  maxTtl?: Seconds;
  /** How long a key signs. Default 30 days; at least twice as long as a key is published ahead. */
  rotation?: Seconds;
  /** How long a refresh token may go on being exchanged for the next: in all, and between two times. Default 30 and 7 days. */
  refreshTtl?: Seconds;
  refreshIdle?: Seconds;
  /** How long a used refresh token is answered as before, for whoever never got the answer; less than `refreshIdle`. Default 10. */
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
  runsMaintenance?: boolean;
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
  /** Gives whole seconds since 1970. Called once at the start, to see that it does. Default: the system's clock. */
  clock?: Clock;
  /** Receives one sentence for an operator, where a stored setting changes or differs. Default: nobody does. */
  onNotice?: (sentence: string) => void;
  /** Hears of work in the background that failed: most of it is tried again. Default: nobody does. */
  onError?: (work: string, error: unknown) => void;
};

const DAY: Seconds = 86400;
const DECADE: Seconds = 3660 * DAY;

const wholeSeconds = `must be a whole number of seconds, 1 to ${DECADE}`;
const seconds = z.int(wholeSeconds).min(1, wholeSeconds).max(DECADE, wholeSeconds);
const count = z.int("must be a whole number, 0 or more").min(0, "must be a whole number, 0 or more");
const rate = z.strictObject({ perClient: count.optional(), perAddress: count.optional() }).optional();
const onceMade = objectWith(
  ["listKeys", "findGrant", "revoke", "watch", "close"],
  "what openSqliteStore or openPostgresStore gives",
);

const schemas: OptionSchemas<TokenServiceOptions<ClaimsSchema>> = {
  issuer: identifier
    .refine((url) => !hasInvisible(url), PLAIN_TEXT)
    .refine(isHttpUrl, "must be an http or https URL without query, fragment or credentials")
    .refine(isPlainText, PLAIN_TEXT)
    .optional(),
  audience: identifier.refine(isPlainText, PLAIN_TEXT).optional(),
  claims: z.unknown().optional(),
  store: onceMade.optional(),
  alg: z.enum(["ES256", "ES384", "RS256", "PS256", "EdDSA"]).optional(),
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
  auditRetention: seconds.optional(),
  runsMaintenance: z.boolean().optional(),
  guest: z.boolean().optional(),
  open: z.boolean().optional(),
  tracer: objectWith(["startActiveSpan"], "a tracer of OpenTelemetry").optional(),
  clock: clockOption.optional(),
  onNotice: functionOption.optional(),
  onError: functionOption.optional(),
};

function isKek(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 32;
}

/** Says which options are each right and together wrong, if any are. */
function conflictIn({ ttl, maxTtl = DAY, replayWindow, refreshIdle = IDLE }: TokenServiceOptions<ClaimsSchema>) {
  if (ttl !== undefined && ttl > maxTtl) return `ttl must be at most maxTtl, which is ${maxTtl}`;
  if (replayWindow !== undefined && replayWindow >= refreshIdle)
    return `replayWindow must be less than refreshIdle, which is ${refreshIdle}`;
  return undefined;
}

const IDLE: Seconds = 7 * DAY;

/** Fills in the defaults. Throws a {@link StartError} for options that cannot be. */
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

import * as z from "zod/mini";
import type { Seconds } from "../time.ts";

/** A revocation covers a token, or all tokens issued to a subject, to a client, or by a sign-in session or a grant (`session`). */
export type RevokedKind = "token" | "subject" | "client" | "session";

/** A trust event: tokens are no longer valid. */
export type Revocation = {
  kind: RevokedKind;
  /** The `jti`, `sub` or `client_id` of the tokens; for a session, their `sid` or `grant_id`. */
  id: string;
  /** The number of the event. For a subject or client, it revokes tokens with a lower number in their `jti`. */
  sequence: number;
  /** When all its tokens have expired. For a token, its `exp`. */
  until: Seconds;
};

/** Revoked tokens in a snapshot. They expire less than a minute after `until`. */
export type RevokedTokens = { until: Seconds; jtis: readonly string[] };

/** A trusted public key, as in the JWK Set, and the time of its removal if that is known. */
export type TrustedKey = { jwk: object; until?: Seconds | undefined };

/**
 * A part of the log of trust events, as the feed sends it. Without keys, revocations and tokens it is a heartbeat. `keys` has
 * all keys, whenever one has changed.
 */
export type TrustUpdate = {
  /** The history of the numbers. It changes when the database is created or restored. */
  epoch: string;
  /** The number of the latest event included. */
  sequence: number;
  /** When the sender read this: milliseconds of its monotonic clock. Only differences have a meaning. */
  at: number;
  /** Begins a snapshot, which replaces the state. */
  reset?: boolean | undefined;
  /** More parts of the same moment follow. The state is complete with the last one. */
  more?: boolean | undefined;
  keys?: readonly TrustedKey[] | undefined;
  revocations?: readonly Revocation[] | undefined;
  tokens?: readonly RevokedTokens[] | undefined;
};

const count = z.int().check(z.nonnegative());

const revocation: z.ZodMiniType<Revocation> = z.strictObject({
  kind: z.enum(["token", "subject", "client", "session"]),
  id: z.string().check(z.minLength(1), z.maxLength(255)),
  sequence: count,
  until: count,
});

const jti = z.string().check(z.minLength(1), z.maxLength(255));

const trustUpdate: z.ZodMiniType<TrustUpdate> = z.strictObject({
  epoch: z.string().check(z.minLength(1), z.maxLength(255)),
  sequence: count,
  at: z.number().check(z.nonnegative()),
  reset: z.optional(z.boolean()),
  more: z.optional(z.boolean()),
  keys: z.optional(z.array(z.strictObject({ jwk: z.record(z.string(), z.unknown()), until: z.optional(count) }))),
  revocations: z.optional(z.array(revocation)),
  tokens: z.optional(z.array(z.strictObject({ until: count, jtis: z.array(jti) }))),
});

/** Parses an update of a feed; `undefined` if it is invalid. Not checked: the keys. */
export function readTrustUpdate(value: unknown): TrustUpdate | undefined {
  return trustUpdate.safeParse(value).data;
}

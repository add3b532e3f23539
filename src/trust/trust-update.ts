import { z } from "zod";
import type { Seconds } from "../time.ts";

/** What a revocation is about: a token by its `jti`, or whatever was issued to a subject, to a client, in a session. */
export type RevokedKind = "token" | "subject" | "client" | "session";

/** A trust event: something that was issued counts no more. */
export type Revocation = {
  kind: RevokedKind;
  /** The `jti`, `sub`, `client_id` or `sid` of the tokens it is about. */
  id: string;
  /** Its number. Of a subject or client, tokens with a lower one in their `jti` are revoked. */
  sequence: number;
  /** All tokens that it is about have expired by then. Of a token, its `exp`. */
  until: Seconds;
};

/** A public key that counts, as it stands in the JWK Set, and until when, if that is settled. */
export type TrustedKey = { jwk: object; until?: Seconds | undefined };

/**
 * A piece of the log of trust events, as it is sent to whoever follows it. Bare, it is a heartbeat.
 * The keys come whole whenever one of them has changed, the revocations one by one.
 */
export type TrustUpdate = {
  /** Which history the numbers belong to: another one after the database was made anew or restored. */
  epoch: string;
  /** The number of the latest event that it takes account of. */
  sequence: number;
  /** When the sender knew all of this to be so: milliseconds of a steady clock of its own. Only differences count. */
  at: number;
  /** Whatever was known before is void: this begins a snapshot. */
  reset?: boolean | undefined;
  /** There is more to come of the same moment: what is known is whole again, and as new as it says, with the last piece. */
  more?: boolean | undefined;
  keys?: readonly TrustedKey[] | undefined;
  revocations?: readonly Revocation[] | undefined;
};

const count = z.int().nonnegative();

const revocation: z.ZodType<Revocation> = z.strictObject({
  kind: z.enum(["token", "subject", "client", "session"]),
  id: z.string().min(1).max(255),
  sequence: count,
  until: count,
});

const trustUpdate: z.ZodType<TrustUpdate> = z.strictObject({
  epoch: z.string().min(1).max(255),
  sequence: count,
  at: z.number().nonnegative(),
  reset: z.boolean().optional(),
  more: z.boolean().optional(),
  keys: z.array(z.strictObject({ jwk: z.record(z.string(), z.unknown()), until: count.optional() })).optional(),
  revocations: z.array(revocation).optional(),
});

/** Reads what came from a feed, or gives `undefined` for anything that is not an update. The keys are not looked into. */
export function readTrustUpdate(value: unknown): TrustUpdate | undefined {
  return trustUpdate.safeParse(value).data;
}

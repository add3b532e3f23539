import { StartError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import type { SigningKey } from "../token/sign.ts";
import type { VerificationKey } from "../token/signature.ts";
import type { KeyPair, PublicHalf, StoredKey } from "./key-pair.ts";
import { type KeyPolicy, type KeyTimeline, statesAt } from "./lifecycle.ts";
import type { PublicJwk } from "./public-jwk.ts";
import { keyOfSecret } from "./secret-key.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "./shared-secret.ts";

/** The document at `/.well-known/jwks.json` (RFC 7517 §5). */
export type JwkSet = { keys: PublicJwk[] };

/** The keys at one moment: the signing key, the verification keys and the JWK Set. */
export type Keyring = {
  /** Absent where its private half is encrypted with another key-encryption key. */
  signing?: SigningKey | undefined;
  lookup: (kid: string) => VerificationKey | undefined;
  jwks: JwkSet;
  timelines: readonly KeyTimeline<StoredKey>[];
};

/** A stored key and, unless it was revoked, its imported halves; the public one alone where the private one cannot be decrypted. */
export type LoadedKey = { stored: StoredKey; pair?: (PublicHalf & Partial<KeyPair>) | undefined };

/** Builds the keyring of a moment. Throws a {@link StartError} without a signing key, which no stored change leads to. */
export function keyringAt(keys: readonly LoadedKey[], policy: KeyPolicy, now: Seconds): Keyring {
  const timelines = statesAt(
    keys.map(({ stored }) => stored),
    policy,
    now,
  );
  const pairs = new Map(keys.map(({ stored, pair }) => [stored.kid, pair]));
  const pairIn = (...states: KeyTimeline<StoredKey>["state"][]) =>
    timelines.filter(({ state }) => states.includes(state)).flatMap(({ key }) => pairs.get(key.kid) ?? []);
  const [active] = pairIn("active");
  if (active === undefined) throw new StartError("There is no signing key");
  const published = new Map(pairIn("pending", "active", "retiring").map((pair) => [pair.verification.kid, pair]));
  return {
    signing: active.signing,
    lookup: (kid) => published.get(kid)?.verification,
    jwks: { keys: [...published.values()].map(({ jwk }) => jwk) },
    timelines,
  };
}

/** The published keys of a keyring, each with the time of its removal if that is known. */
export function trustedKeys({ timelines, jwks }: Keyring): { jwk: PublicJwk; until?: Seconds }[] {
  const ends = new Map(timelines.map(({ key, removedAt }) => [key.kid, removedAt]));
  return jwks.keys.map((jwk) => {
    const until = ends.get(jwk.kid);
    return { jwk, ...(until !== undefined && { until }) };
  });
}

/**
 * Builds the keyring of a shared secret of at least 32 bytes (RFC 7518 §3.2), for HS256 alone. Its JWK Set is empty: a key
 * that verifies HS256 also signs.
 */
export function createSecretKeyring(secret: string): Keyring & { signing: SigningKey } {
  if (!isLongSecret(secret)) {
    throw new StartError(
      `MINTMARK_SECRET has ${Buffer.byteLength(secret)} bytes and needs at least ${MIN_SECRET_BYTES}: make one with  node -p "crypto.randomBytes(32).toString('base64url')"`,
    );
  }
  const signing = keyOfSecret(secret);
  return { signing, lookup: (kid) => (kid === signing.kid ? signing : undefined), jwks: { keys: [] }, timelines: [] };
}

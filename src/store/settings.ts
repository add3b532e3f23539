import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { Seconds } from "../time.ts";

/**
 * What decides how stored state is read, stored with it: so a server that is configured otherwise, or a command that is
 * not configured at all, reads it as it was written. A setting is absent until a service has stored it.
 */
export type StoredSettings = {
  /** The longest lifetime that a token could ever have. Only raised. Revocations and public keys outlive such a token. */
  longestLifetime: Seconds;
  /** The `iss` of the tokens that are signed now. */
  issuer?: string | undefined;
  /** The `aud` of a token that asks for none. */
  audience?: string | undefined;
  /** The algorithm of the next key pair. */
  alg?: KeyPairAlgorithm | undefined;
  /** The `kid` of the shared secret; absent where key pairs sign. */
  secretKid?: string | undefined;
  /** Those of all shared secrets that ever signed, the present one included. */
  secretKids?: readonly string[] | undefined;
  /** The limits of today: the lifetime of a token that asks for none, and the longest that may be asked for. */
  ttl?: Seconds | undefined;
  maxTtl?: Seconds | undefined;
};

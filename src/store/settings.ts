import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { Seconds } from "../time.ts";

/**
 * Settings that determine how stored state is interpreted, stored with it: a server or command with another configuration
 * interprets it as it was written. Absent until a service has stored them.
 */
export type StoredSettings = {
  /** The longest token lifetime ever allowed. Never lowered: revocations and public keys are retained at least as long. */
  longestLifetime: Seconds;
  /** The `iss` of new tokens. */
  issuer?: string | undefined;
  /** The `aud` of a token whose request names none. */
  audience?: string | undefined;
  /** The algorithm of the next key pair. */
  alg?: KeyPairAlgorithm | undefined;
  /** The `kid` of the shared secret. Absent with key pairs. */
  secretKid?: string | undefined;
  /** The `kid` of every shared secret ever used, the current one included. */
  secretKids?: readonly string[] | undefined;
  /** Current default lifetime, and longest lifetime that may be requested. */
  ttl?: Seconds | undefined;
  maxTtl?: Seconds | undefined;
};

import { type Keyring, trustedKeys } from "../../keys/keyring.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";

/** The trusted keys, and a fingerprint that changes with them. */
type PublishedKeys = { keys: readonly TrustedKey[]; name: string };

/**
 * The trusted keys at the current time, for the feed. They change with time alone, and when the clock is set: followers
 * that received keys by a wrong clock receive the right ones later.
 */
export function createPublishedKeys(keyring: () => Keyring): () => PublishedKeys {
  let latest: PublishedKeys & { of?: Keyring } = { keys: [], name: "" };
  return () => {
    const of = keyring();
    if (latest.of === of) return latest;
    const keys = trustedKeys(of);
    latest = { of, keys, name: keys.map(({ jwk, until }) => `${jwk.kid} ${until}`).join() };
    return latest;
  };
}

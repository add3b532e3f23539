import { type Keyring, trustedKeys } from "../../keys/keyring.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";

/** Keys that count, and a name that tells them from others. */
type PublishedKeys = { keys: readonly TrustedKey[]; name: string };

/**
 * Gives the keys that count at the moment, as the feed tells of them. They change by themselves, too: as time passes, and
 * where the clock was set. Who was told of keys by a clock that was wrong is told again when it is right.
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

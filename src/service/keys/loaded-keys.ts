import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { loadKeyPair, loadPublicHalf, type PublicHalf, type StoredKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import { createSecretKeyring, type Keyring, keyringAt, type LoadedKey, trustedKeys } from "../../keys/keyring.ts";
import type { KeyPolicy } from "../../keys/lifecycle.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import type { KeyLookup } from "../../token/jws.ts";
import type { VerificationKey } from "../../token/signature.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";

/** The keys in memory. */
export type LoadedKeys = {
  /** The keyring at the current time. */
  current(): Keyring;
  /** Finds a verification key. Reads the store for an unknown `kid`: another server may have just added it. */
  find: KeyLookup;
  /** Like `find`, for removed keys too: a wrong clock may remove one too early. Not for revoked keys. */
  findUnexpired: KeyLookup;
  /** False with a shared secret. */
  readonly arePairs: boolean;
  /** All stored keys, revoked and removed ones included. */
  stored(): readonly StoredKey[];
  /** Reads the keys from the store. */
  reload(): Promise<void>;
};

export type LoadedKeysOptions = {
  store: Store;
  clock: Clock;
  policy: () => KeyPolicy;
  kek?: KeyEncryptionKey | undefined;
  onError: (work: string, error: unknown) => void;
};

/** Shortest time between two reads for an unknown `kid`: tokens with random kids must not load the store. */
const POLL_INTERVAL_MS: Milliseconds = 100;

/** The keyring of a shared secret. Stored key pairs, which signed before it was set, still identify tokens. */
export function secretKeys(secret: string, store: Pick<Store, "listKeys">): LoadedKeys {
  const keyring = createSecretKeyring(secret);
  const find = keyring.lookup;
  let stored: StoredKey[] = [];
  const reload = async () => {
    stored = await store.listKeys();
  };
  const poll = coalesce(reload, POLL_INTERVAL_MS);

  async function findStored(kid: string): Promise<VerificationKey | undefined> {
    await poll();
    const key = stored.find((key) => key.kid === kid && key.killedAt === undefined);
    return key && (await loadPublicHalf(key)).verification;
  }

  return {
    current: () => keyring,
    find,
    findUnexpired: (kid) => find(kid) ?? withTimeout(findStored(kid)),
    arePairs: false,
    stored: () => stored,
    reload,
  };
}

/** The stored keys. Empty before the first `reload`. */
export function storedKeys({ store, clock, policy, kek, onError }: LoadedKeysOptions): LoadedKeys {
  let loaded: LoadedKey[] = [];
  let keyring: { of: Keyring; at: Seconds } | undefined;

  function current(): Keyring {
    const now = clock();
    if (keyring?.at !== now) keyring = { of: keyringAt(loaded, policy(), now), at: now };
    return keyring.of;
  }

  // Serialised: an older read must not overwrite a newer one.
  const reload = coalesce(async () => {
    const pairs = new Map(loaded.map(({ stored, pair }) => [stored.kid, pair]));
    const stored = await store.listKeys();
    loaded = await Promise.all(
      stored.map(async (key) => ({ stored: key, pair: await pairOf(key, pairs.get(key.kid)) })),
    );
    keyring = undefined;
  });

  async function pairOf(key: StoredKey, known: LoadedKey["pair"]): Promise<LoadedKey["pair"]> {
    if (key.killedAt !== undefined) return undefined;
    return known ?? (await loadKeyPair(key, kek).catch((error: unknown) => loadPublicHalfInstead(key, error)));
  }

  /**
   * Another server may have changed the key-encryption key. Until its restart, this one verifies with the public half, and
   * cannot sign once that key is active.
   */
  function loadPublicHalfInstead(key: StoredKey, error: unknown): Promise<PublicHalf> {
    if (loaded.length === 0) throw error;
    onError("opening a key: has MINTMARK_KEK changed?", error);
    return loadPublicHalf(key);
  }

  const poll = coalesce(reload, POLL_INTERVAL_MS);
  const find: KeyLookup = (kid) => {
    const key = current().lookup(kid);
    // A stored key that is revoked or removed needs no read.
    if (key !== undefined || loaded.some(({ stored }) => stored.kid === kid)) return key;
    return withTimeout(poll()).then(() => current().lookup(kid));
  };
  return {
    current,
    reload,
    arePairs: true,
    stored: () => loaded.map(({ stored }) => stored),
    find,
    findUnexpired: async (kid) =>
      (await find(kid)) ?? loaded.find(({ stored }) => stored.kid === kid)?.pair?.verification,
  };
}

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

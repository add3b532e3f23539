import { coalesce } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { loadKeyPair, loadPublicHalf, type PublicHalf, type StoredKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import { createSecretKeyring, type Keyring, keyringAt, type LoadedKey } from "../../keys/keyring.ts";
import type { KeyPolicy } from "../../keys/lifecycle.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { KeyLookup } from "../../token/jws.ts";
import type { VerificationKey } from "../../token/signature.ts";

/** The keys of a running server. */
export type LoadedKeys = {
  /** The keyring of the present moment. */
  current(): Keyring;
  /** Finds a key to verify with, in the store too: another server may have made it a moment ago. */
  find: KeyLookup;
  /** The same of a key of any time, but for those that were killed: by a clock that is wrong, one may be removed too early. */
  findUnexpired: KeyLookup;
  /** Whether these are key pairs, and no shared secret. */
  readonly arePairs: boolean;
  /** All keys of the store, killed and removed ones too. */
  stored(): readonly StoredKey[];
  /** Reads the store again. */
  reload(): Promise<void>;
};

export type LoadedKeysOptions = {
  store: Store;
  clock: Clock;
  policy: () => KeyPolicy;
  kek?: KeyEncryptionKey | undefined;
  onError: (work: string, error: unknown) => void;
};

/** Shortest time between two looks at the store for an unknown key, in milliseconds: random kids must not load it. */
const POLL_INTERVAL_MS = 100;

/** The keys with a shared secret: one keyring for ever. Key pairs that signed before can still identify tokens. */
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

/** The keys in a store. Nothing is loaded before the first `reload`. */
export function storedKeys({ store, clock, policy, kek, onError }: LoadedKeysOptions): LoadedKeys {
  let loaded: LoadedKey[] = [];
  let keyring: { of: Keyring; at: number } | undefined;

  function current(): Keyring {
    const now = clock();
    if (keyring?.at !== now) keyring = { of: keyringAt(loaded, policy(), now), at: now };
    return keyring.of;
  }

  // In turn: of two reads at once, the one that saw less must not have the last word.
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
    return known ?? (await loadKeyPair(key, kek).catch((error: unknown) => halfOf(key, error)));
  }

  /**
   * Another server may have a newer key-encryption key by now. This one goes on until it is started again: it verifies
   * by such a key, and issues nothing once it is that one's turn.
   */
  function halfOf(key: StoredKey, error: unknown): Promise<PublicHalf> {
    if (loaded.length === 0) throw error;
    onError("opening a key: has MINTMARK_KEK changed?", error);
    return loadPublicHalf(key);
  }

  const poll = coalesce(reload, POLL_INTERVAL_MS);
  const find: KeyLookup = (kid) => {
    const key = current().lookup(kid);
    // One that is known to be dead needs no second look.
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

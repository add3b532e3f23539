import { generateKeyPair, loadKeyPair } from "../keys/key-pair.ts";
import { createKeyring, type Keyring } from "../keys/keyring.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../time.ts";

/**
 * Loads every key in the store, making the first one of the wanted algorithm if need be. All keys are
 * proved before any is made: nothing new is ever put over a key that cannot be read.
 */
export async function openKeyring(store: Store, options: { alg: KeyPairAlgorithm; clock: Clock }): Promise<Keyring> {
  const pairs = await loadAll(store);
  if (pairs.some((pair) => pair.signing.alg === options.alg)) return createKeyring(pairs, options.alg);
  await store.addFirstKey(await generateKeyPair(options.alg, options.clock()));
  return createKeyring(await loadAll(store), options.alg);
}

async function loadAll(store: Store) {
  const stored = await store.listKeys();
  return Promise.all(stored.map(loadKeyPair));
}

import { loadKeyPair, loadPublicHalf, type StoredKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import type { LoadedKey } from "../../keys/keyring.ts";
import type { Position, Store } from "../../store/store.ts";
import { sentenceOf } from "../run.ts";

/** What the checks need of the data, read once. */
export type Data = {
  store: Store;
  position: Position;
  /** The clock of this machine when the position was read. */
  readAt: number;
  loaded: LoadedKey[];
  /** One sentence for each key whose private half cannot be used. */
  faults: string[];
};

export async function readData(
  store: Store,
  { kek, now }: { kek: KeyEncryptionKey | undefined; now: () => number },
): Promise<Data> {
  const position = await store.position();
  const readAt = now();
  const faults: string[] = [];
  const load = async (stored: StoredKey): Promise<LoadedKey> => {
    if (stored.killedAt !== undefined) return { stored };
    try {
      return { stored, pair: await loadKeyPair(stored, kek) };
    } catch (error) {
      faults.push(sentenceOf(error) ?? "A key in the database cannot be loaded");
      return { stored, pair: await loadPublicHalf(stored).catch(() => undefined) };
    }
  };
  const loaded = await Promise.all((await store.listKeys()).map(load));
  return { store, position, readAt, loaded, faults };
}

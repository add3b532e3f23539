import { MintmarkError } from "../../errors.ts";
import { rewrapKey } from "../../keys/key-pair.ts";
import type { KeyEncryptionKey } from "../../keys/key-wrapping.ts";
import type { Store } from "../../store/store.ts";
import { type Clock, systemClock } from "../../time.ts";
import { createAuditLog } from "../access/audit-log.ts";
import { localCaller } from "../access/caller.ts";

/** Re-encrypts all private keys, or none. Without `from`, they must be unencrypted. Throws `conflict` after a concurrent change. */
export async function rewrapKeys(
  store: Store,
  { from, to }: { from: KeyEncryptionKey | undefined; to: KeyEncryptionKey },
  clock: Clock = systemClock,
): Promise<number> {
  const keys = (await store.listKeys()).filter(({ killedAt }) => killedAt === undefined);
  const rewrapped = await Promise.all(keys.map((key) => rewrapKey(key, from, to)));
  const entry = { clientId: localCaller.clientId, action: "keys.rewrap", outcome: "allowed" } as const;
  const outcome = await store.rewrapKeys(rewrapped, createAuditLog(store, clock).record(entry));
  if (outcome === "changed") throw new MintmarkError("conflict");
  return keys.length;
}

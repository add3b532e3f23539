import { importPublicJwk } from "../../keys/public-jwk.ts";
import type { Seconds } from "../../time.ts";
import type { VerificationKey } from "../../token/signature.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";

/** Keys by `kid`, each with the moment of its removal if that is known. */
export type KeySet = ReadonlyMap<string, VerificationKey & { until?: Seconds | undefined }>;

/** Imports the valid keys and skips the others. */
export async function importKeySet(keys: readonly TrustedKey[]): Promise<KeySet> {
  const imported = await Promise.allSettled(
    keys.map(async ({ jwk, until }) => ({ ...(await importPublicJwk(jwk)), until })),
  );
  return new Map(imported.flatMap((key) => (key.status === "fulfilled" ? [[key.value.kid, key.value]] : [])));
}

/** Finds a key that is trusted at a moment. */
export function findKey(keys: KeySet, kid: string, now: Seconds): VerificationKey | undefined {
  const key = keys.get(kid);
  return key === undefined || (key.until !== undefined && now >= key.until) ? undefined : key;
}

/** Why tokens of a published key cannot be verified on this platform. */
export function unsupportedKey(keys: KeySet): Error | undefined {
  return [...keys.values()].map(({ key }) => key).find((key) => key instanceof Error);
}

import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { findForeignKey, importForeignKeys } from "../../keys/foreign-keys.ts";
import { addressesOfClients } from "../../remote/addresses.ts";
import { createDocumentFetcher } from "../../remote/document-fetcher.ts";
import { createRemoteKeySets } from "../../remote/remote-key-sets.ts";
import type { ClientMetadata } from "../../store/client.ts";
import type { AssertionHeader, AssertionKey } from "../../token/client-assertion.ts";
import type { VerificationKey } from "../../token/signature.ts";

/**
 * Finds the key of a client that matches the header of its assertion. Without a client or a match, returns a key that has
 * signed nothing: a verification by it costs as much as another.
 */
export type FindClientKey = (client: ClientMetadata | undefined, header: AssertionHeader) => Promise<AssertionKey>;

export type ClientKeysOptions = {
  /** Whether access is open, as in development: keys may then be on this machine. */
  open: boolean;
  onError: (work: string, error: unknown) => void;
};

const MAX_JWK_SET_BYTES = 64 * 1024;

/** Most clients whose given keys are imported in advance. */
const MAX_IMPORTED = 1000;

export function createClientKeys({ open, onError }: ClientKeysOptions): FindClientKey {
  const { lookupAt } = createRemoteKeySets({
    fetchDocument: createDocumentFetcher({ maxBytes: MAX_JWK_SET_BYTES, isAllowed: addressesOfClients({ open }) }),
    // The log has the code of an error, never its message, and of a URL no path: it may have a secret.
    onFailure(url, { reason, detail = "" }) {
      const from = reason === "not_allowed_url" ? "its URL" : new URL(url).origin;
      const code = `${reason} ${detail}`.trim();
      onError(`fetching the keys of a client from ${from}`, Object.assign(new Error(code), { code }));
    },
  });
  const givenKeys = createImporter();

  return async (client, header) => {
    const { jwks, jwksUri } = client ?? {};
    const key =
      jwksUri === undefined
        ? findForeignKey(jwks === undefined ? [] : await givenKeys(jwks), header)
        : await lookupAt(jwksUri)(header);
    return key === "unknown_key" ? unusedKey(header.alg) : key;
  };
}

/** Imports given keys once. */
function createImporter(): (jwks: object) => Promise<readonly VerificationKey[]> {
  const imported = new Map<string, Promise<readonly VerificationKey[]>>();
  return (jwks) => {
    const name = JSON.stringify(jwks);
    const known = imported.get(name);
    if (known !== undefined) return known;
    if (imported.size >= MAX_IMPORTED) imported.delete(imported.keys().next().value ?? "");
    const keys = importForeignKeys(jwks).then((foreign) => foreign?.keys ?? []);
    imported.set(name, keys);
    return keys;
  };
}

const unused = new Map<AssertionHeader["alg"], AssertionKey>();

function unusedKey(alg: AssertionHeader["alg"]): AssertionKey {
  const key = unused.get(alg) ?? createUnusedKey(alg);
  unused.set(alg, key);
  return key;
}

function createUnusedKey(alg: AssertionHeader["alg"]): AssertionKey {
  try {
    return { kid: "", alg, key: unusedPublicKey(alg) };
  } catch {
    // A platform without the algorithm has no client with a key of it, either.
    return "unknown_key";
  }
}

function unusedPublicKey(alg: AssertionHeader["alg"]): KeyObject {
  if (alg === "EdDSA") return generateKeyPairSync("ed25519").publicKey;
  if (alg === "ES256" || alg === "ES384")
    return generateKeyPairSync("ec", { namedCurve: alg === "ES256" ? "P-256" : "P-384" }).publicKey;
  // A random modulus: to find primes takes longer than an authentication may.
  const modulus = randomBytes(256);
  modulus[0] = 0xff;
  modulus[255] = 0xff;
  return createPublicKey({ key: { kty: "RSA", n: modulus.toString("base64url"), e: "AQAB" }, format: "jwk" });
}

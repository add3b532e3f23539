import * as z from "zod/mini";
import { type AssertionHeader, type AssertionKey, assertionAlgorithm } from "../token/client-assertion.ts";
import type { Algorithm, VerificationKey } from "../token/signature.ts";
import { importPublicJwk } from "./public-jwk.ts";

/** The keys of a client. `kid` is empty for a key without one. `problems` has a sentence for each key that was skipped. */
export type ForeignKeys = { keys: readonly VerificationKey[]; problems: readonly string[] };

const MAX_KEYS = 100;
const jwkSet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).check(z.maxLength(MAX_KEYS)) });

/**
 * Imports the JWK Set of a client (RFC 7517 §5); `undefined` if it is none, or has more than 100 keys. More lenient than for
 * our own keys: `use`, `alg` and `kid` are optional there (§4), and other members are ignored. Skips keys that cannot verify
 * signatures of a supported algorithm, and those that were published with their private half.
 */
export async function importForeignKeys(document: unknown): Promise<ForeignKeys | undefined> {
  const { data } = jwkSet.safeParse(document);
  if (data === undefined) return undefined;
  const imported = await Promise.all(data.keys.map(importForeignKey));
  return {
    keys: imported.filter((key) => typeof key !== "string"),
    problems: imported.flatMap((key, at) => (typeof key === "string" ? [`keys.${at} ${key}`] : [])),
  };
}

/** The one key that matches a header: with its `kid` if it has one, and of its algorithm. */
export function findForeignKey(keys: readonly VerificationKey[], { alg, kid }: AssertionHeader): AssertionKey {
  const [key, another] = keys.filter((one) => one.alg === alg && (kid === undefined || one.kid === kid));
  return key === undefined || another !== undefined ? "unknown_key" : key;
}

/** What is wrong with the JWK Set of a client that presents it, if anything: none of its keys may be skipped. */
export async function keySetFault(document: unknown): Promise<string | undefined> {
  const { keys, problems } = (await importForeignKeys(document)) ?? { keys: [], problems: [] };
  if (keys.length === 0 && problems.length === 0) return "has no key";
  const names = new Set(keys.map(({ alg, kid }) => `${alg} ${kid}`));
  const isAmbiguous = ({ alg, kid }: VerificationKey) => kid === "" && keys.some((one) => one.alg === alg && one.kid);
  if (names.size < keys.length || keys.some(isAmbiguous))
    return "has several keys of an algorithm without different kids";
  return problems[0];
}

/** A JWK Set with the members that verify signatures alone (RFC 7518 §6), always in the same order. */
export function publicMembersOf({ keys }: { keys: readonly object[] }): { keys: Jwk[] } {
  return { keys: keys.map((key) => publicMembers({ ...key })) };
}

function publicMembers(jwk: Jwk): Jwk {
  return Object.fromEntries(PUBLIC_MEMBERS.filter((name) => name in jwk).map((name) => [name, jwk[name]]));
}

type Jwk = Record<string, unknown>;

const PUBLIC_MEMBERS = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"];

/** Members of RFC 7518 §6 that no public key has. */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

async function importForeignKey(jwk: Jwk): Promise<VerificationKey | string> {
  const { kid = "", use = "sig", key_ops: operations = ["verify"] } = jwk;
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member)))
    return "has private members: publish the public key alone";
  if (use !== "sig" || !Array.isArray(operations) || !operations.includes("verify")) return "is not for signatures";
  if (typeof kid !== "string" || !/^[\x21-\x7e]{0,256}$/.test(kid))
    return "has a kid that is not 1 to 256 visible characters";
  const alg = algorithmOf(jwk);
  if (alg === undefined) return "is of an algorithm that is not supported";
  return importAs(jwk, { alg, kid });
}

async function importAs(jwk: Jwk, { alg, kid }: { alg: Algorithm; kid: string }): Promise<VerificationKey | string> {
  try {
    // With another `kid`: ours have a smaller alphabet.
    const { key } = await importPublicJwk({ ...publicMembers(jwk), alg, use: "sig", kid: "foreign" });
    return key instanceof Error ? "is of an algorithm that this platform does not support" : { kid, alg, key };
  } catch {
    return "is no valid public key";
  }
}

/** The one algorithm of a key (RFC 8725 §3.1). Without `alg`, the one of its curve; of RSA, the one in common use. */
const DEFAULTS: ReadonlyMap<unknown, Algorithm> = new Map<string, Algorithm>([
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["Ed25519", "EdDSA"],
]);

function algorithmOf({ alg, kty, crv }: Jwk): Algorithm | undefined {
  if (alg !== undefined) return assertionAlgorithm(alg);
  return kty === "RSA" ? "RS256" : DEFAULTS.get(crv);
}

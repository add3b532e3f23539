import { decodeBase64url } from "../token/platform.ts";

const GENERATOR = 65537n;
const PRIMES = [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n];

const POWERS: ReadonlyMap<bigint, ReadonlySet<bigint>> = new Map(PRIMES.map((prime) => [prime, powersOf(prime)]));

function powersOf(prime: bigint): Set<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * GENERATOR) % prime) powers.add(power);
  return powers;
}

/**
 * Whether an RSA modulus has the fingerprint of CVE-2017-15361 (ROCA): a power of 65537 modulo each of these primes. A random
 * modulus has it with a probability of about 2^-27.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return PRIMES.every((prime) => POWERS.get(prime)?.has(modulus % prime));
}

/** The members of a private RSA key that depend on each other (RFC 7518 §6.3). */
export type RsaMembers = Record<"n" | "e" | "d" | "p" | "q" | "dp" | "dq" | "qi", string>;

/**
 * Whether the members of a private RSA key are consistent. A damaged key often signs: one library uses the intact members,
 * and another the damaged ones.
 */
export function isConsistent(members: RsaMembers): boolean {
  const [n, e, d, p, q, dp, dq, qi] = [
    members.n,
    members.e,
    members.d,
    members.p,
    members.q,
    members.dp,
    members.dq,
    members.qi,
  ].map(toBigInt);
  if (!n || !e || !d || !p || !q || !dp || !dq || !qi) return false;
  return (
    n === p * q &&
    (d * e) % (p - 1n) === 1n &&
    (d * e) % (q - 1n) === 1n &&
    dp === d % (p - 1n) &&
    dq === d % (q - 1n) &&
    (qi * q) % p === 1n
  );
}

export function toBigInt(base64url: string): bigint {
  return decodeBase64url(base64url).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

const GENERATOR = 65537n;
const PRIMES = [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n];

const POWERS: ReadonlyMap<bigint, ReadonlySet<bigint>> = new Map(PRIMES.map((prime) => [prime, powersOf(prime)]));

function powersOf(prime: bigint): Set<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * GENERATOR) % prime) powers.add(power);
  return powers;
}

/**
 * Whether an RSA modulus bears the mark of CVE-2017-15361 (ROCA): it is a power of 65537 modulo each
 * of these primes. A random modulus passes for one with a probability of about 2^-27.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return PRIMES.every((prime) => POWERS.get(prime)?.has(modulus % prime));
}

import { integer, signatureOf, toInteger, withSignature } from "./forge.ts";

export type Curve = { order: bigint; size: number };

/** The orders of P-256 and P-384 (SP 800-186 §3.2.1), and the bytes of a number below them. */
export const CURVES: Readonly<Record<string, Curve>> = {
  ES256: { order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n, size: 32 },
  ES384: {
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    size: 48,
  },
};

/** The token with the other one of its two ECDSA signatures, n - s for s, which anybody can make; other tokens unchanged. */
export function twinOf(token: string, alg = "ES256"): string {
  const { order, size } = CURVES[alg] ?? { order: 1n, size: 0 };
  const signature = signatureOf(token);
  if (size === 0 || signature.length !== 2 * size) return token;
  const s = toInteger(signature.subarray(size)) % order;
  return withSignature(token, Buffer.concat([signature.subarray(0, size), integer((order - s) % order, size)]));
}

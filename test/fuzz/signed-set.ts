import { createHash } from "node:crypto";
import type { Algorithm } from "../../src/token/signature.ts";

/** The texts of all tokens that were signed, exactly as they were, and by which algorithm: 16 bytes are kept of each. */
export type SignedSet = {
  /** Gives the algorithm. */
  add(token: string, alg: Algorithm): Algorithm;
  /** The algorithm by which just this text was signed, if it was. */
  signerOf(token: string): Algorithm | undefined;
};

export function createSignedSet(): SignedSet {
  const signers = new Map<string, Algorithm>();
  const digestOf = (token: string) => createHash("sha256").update(token).digest().toString("latin1", 0, 16);
  return {
    add(token, alg) {
      signers.set(digestOf(token), alg);
      return alg;
    },
    signerOf: (token) => signers.get(digestOf(token)),
  };
}

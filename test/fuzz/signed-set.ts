import { createHash } from "node:crypto";
import type { Algorithm } from "../../src/token/signature.ts";

/** The exact texts of all signed tokens, with the algorithm of each, in 16 bytes each. */
export type SignedSet = {
  add(token: string, alg: Algorithm): Algorithm;
  /** The algorithm that signed exactly this text, if any. */
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

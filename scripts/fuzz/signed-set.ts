import { createHash } from "node:crypto";

/** The texts of all tokens that were signed, exactly as they were: 16 bytes are kept of each. */
export type SignedSet = {
  /** Gives true, for what was added is there. */
  add(token: string): true;
  has(token: string): boolean;
};

export function createSignedSet(): SignedSet {
  const digests = new Set<string>();
  const digestOf = (token: string) => createHash("sha256").update(token).digest().toString("latin1", 0, 16);
  return {
    add(token) {
      digests.add(digestOf(token));
      return true;
    },
    has: (token) => digests.has(digestOf(token)),
  };
}

import type { StoredKey } from "../keys/key-pair.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";

/**
 * Where state lives. Every verb is one transaction: it has happened, durably, when its promise
 * resolves, or not at all. Safe for concurrent use.
 */
export type Store = {
  /** Gives all keys, oldest first. */
  listKeys(): Promise<StoredKey[]>;
  /** Adds a key unless there is one of its algorithm already; says which of the two it was. */
  addFirstKey(key: StoredKey): Promise<"added" | "present">;
  /** Ends all work. Nothing may be called after it. */
  close(): Promise<void>;
};

/** The tables, as the queries see them. */
export type Schema = {
  keys: {
    kid: string;
    alg: KeyPairAlgorithm;
    public_jwk: string;
    private_jwk: string;
    created_at: number;
  };
};

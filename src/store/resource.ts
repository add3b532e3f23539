import type { Seconds } from "../time.ts";

/** A service that accepts tokens of this one (RFC 8707). */
export type Resource = {
  /** The `aud` of its tokens: an absolute URI without a fragment. */
  audience: string;
  /** Display name; not unique. */
  name: string;
  /** Its scope tokens, each with a description for people. Empty: it accepts any scope. */
  scopes: Readonly<Record<string, string>>;
  /** Whether clients that introduced themselves may request tokens for it. */
  open: boolean;
  createdAt: Seconds;
};

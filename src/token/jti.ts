import { decodeBase64url } from "./platform.ts";

/** A `jti` begins with the number of the latest trust event before its issue. */
export const SEQUENCE_BYTES = 6;
const JTI = /^[A-Za-z0-9_-]{24}$/;

/** The event number in a `jti`; 0 (before all events) for a `jti` of another form. */
export function sequenceOf(jti: string): number {
  if (!JTI.test(jti)) return 0;
  return decodeBase64url(jti.slice(0, 8)).reduce((number, byte) => number * 256 + byte, 0);
}

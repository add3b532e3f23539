import * as z from "zod/mini";
import { identifier } from "./claims.ts";
import { parseJsonObject } from "./json.ts";
import { type KeyLookup, verifyJws } from "./jws.ts";

/** Access tokens, logout tokens and signed introspections have other types. */
const ID_TOKEN_TYPES: ReadonlySet<string> = new Set(["jwt"]);

/** Whom an `id_token` was issued to, and of which sign-in session. */
export type IdTokenHint = { clientId: string; sid: string; subject: string };

const hintClaims = z.object({ iss: identifier, aud: identifier, sid: identifier, sub: identifier });

/**
 * Verifies the `id_token_hint` of a logout (OIDC RP-Initiated Logout 1.0 §2): form, signature, `typ` and `iss`. Returns
 * `undefined` if it is not an `id_token` of this issuer. Not checked: `exp`, since a session outlives its `id_token`s; and
 * whether client and session still exist.
 */
export async function verifyIdTokenHint(
  token: unknown,
  lookup: KeyLookup,
  issuer: string,
): Promise<IdTokenHint | undefined> {
  const jws = await verifyJws(token, lookup, ID_TOKEN_TYPES);
  const { data } = hintClaims.safeParse(jws && parseJsonObject(jws.payload));
  if (data === undefined || data.iss !== issuer) return undefined;
  return { clientId: data.aud, sid: data.sid, subject: data.sub };
}

import { isDeepStrictEqual } from "node:util";
import { MintmarkError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { type Claims, type ClaimsSchema, hasSoundLifetime, parseClaims } from "./claims.ts";
import { MAX_TOKEN_LENGTH } from "./compact.ts";
import { parseJsonObject, validateJson } from "./json.ts";
import { type SigningKey, signJws } from "./sign-jws.ts";

/**
 * Signs a claim set as a JWT access token (RFC 9068): header `alg`, `typ: at+jwt`, `kid`.
 *
 * Parses the bytes as a verifier does before it signs them: a claim set that verification would refuse is refused here with
 * `invalid_request`. Not checked: whether the caller may request these claims.
 */
export async function signAccessToken(
  claims: Claims<Record<string, unknown>>,
  options: { key: SigningKey; claimsSchema: ClaimsSchema; maxLifetime: Seconds },
): Promise<string> {
  const fault = validateJson(claims);
  if (fault !== undefined) throw invalidRequest("claims", fault);
  if (!hasSoundLifetime(claims, options.maxLifetime)) {
    throw invalidRequest("expiresIn", `must be a whole number from 1 to ${options.maxLifetime}`);
  }
  const bytes = Buffer.from(JSON.stringify(claims));
  const payload = parseJsonObject(bytes);
  const read = payload && parseClaims(payload, options.claimsSchema);
  // Also refused: a schema that changes its own output again.
  if (read === undefined || !isDeepStrictEqual({ ...read }, payload)) {
    throw invalidRequest("claims", "cannot be contained in a token");
  }
  const token = await signJws(bytes, options.key);
  if (token.length > MAX_TOKEN_LENGTH) {
    throw invalidRequest("claims", `make the token longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  return token;
}

function invalidRequest(path: string, message: string): MintmarkError {
  return new MintmarkError("invalid_request", { issues: [{ path, message }] });
}

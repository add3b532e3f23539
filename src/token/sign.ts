import { isDeepStrictEqual } from "node:util";
import { MintmarkError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { type Claims, type ClaimsSchema, hasSoundLifetime, parseClaims } from "./claims.ts";
import { MAX_TOKEN_LENGTH } from "./compact.ts";
import { parseJsonObject, validateJson } from "./json.ts";
import { signJws } from "./jws.ts";
import type { SigningKey } from "./signature.ts";

/**
 * Signs a claim set as a JWT access token (RFC 9068): header `alg`, `typ: at+jwt`, `kid`.
 *
 * The bytes to be signed are first read back as a verifier will read them, so a claim set that
 * verification would refuse is refused here (`invalid_request`), whoever put it together.
 * Not checked: whether the caller may have these claims.
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
  // Also what a schema would change once more: who verifies must read what was asked for.
  if (read === undefined || !isDeepStrictEqual({ ...read }, payload)) {
    throw invalidRequest("claims", "cannot be carried in a token");
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

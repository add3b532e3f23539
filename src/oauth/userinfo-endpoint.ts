import { MintmarkError } from "../errors.ts";
import type { UserInfo } from "../service/authorization/user-info.ts";
import { authenticateBearer, refuse } from "../verifier/middleware/bearer.ts";
import { BearerRefusal, refusalHeaders } from "../verifier/middleware/refusal.ts";
import { jsonAnswer, NO_STORE, type TextAnswer } from "./answers.ts";
import { formOf, type OAuthRequest } from "./request.ts";

const CHALLENGED = { realm: "mintmark", scope: "openid" };

/**
 * Makes the userinfo endpoint (OIDC Core §5.3). The access token is in the header, or in the form of a POST (RFC 6750 §2); in
 * a query it is refused, since servers log URLs.
 */
export function createUserInfoEndpoint({ userInfo }: UserInfo): (request: OAuthRequest) => Promise<TextAnswer> {
  return async (request) => {
    const headers = headersOf(request);
    if (headers instanceof BearerRefusal) return refusalAnswer(headers);
    const { rawHeaders, address } = request;
    const info = await authenticateBearer({ headers, rawHeaders }, (token) => userInfo(token, address), CHALLENGED);
    return info instanceof BearerRefusal ? refusalAnswer(info) : jsonAnswer(info);
  };
}

/** The header fields of the request, with the token of its form, if any. */
function headersOf(request: OAuthRequest): { authorization?: string | undefined } | BearerRefusal {
  const malformed = refuse(new MintmarkError("malformed_request"), CHALLENGED);
  const { authorization } = request.headers;
  if (request.query !== "") return malformed;
  if (request.method !== "POST" || request.body.length === 0) return { authorization };
  try {
    const token = formOf(request).parameters.get("access_token");
    if (token === undefined) return { authorization };
    // Two methods at once (RFC 6750 §2).
    return authorization === undefined ? { authorization: `Bearer ${token}` } : malformed;
  } catch {
    return malformed;
  }
}

function refusalAnswer(refusal: BearerRefusal): TextAnswer {
  const { status, error, message, reason } = refusal;
  const body = { error, error_description: message, error_reason: reason };
  return {
    status,
    headers: { ...NO_STORE, "content-type": "application/json", ...refusalHeaders(refusal) },
    body: JSON.stringify(body),
    ...(status >= 500 && { failure: refusal.cause ?? refusal }),
  };
}

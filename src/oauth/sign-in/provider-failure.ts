/** Receives why people could not sign in. `work` names what failed, and quotes nothing of the provider or the browser. */
export type OnSignInFailure = (work: string, error: unknown) => void;

/**
 * `away`: the provider did not answer, or not as one. `refused`: the person does not want to sign in. `failed`: what the browser
 * brought, or what the provider returned for it, proves nothing.
 */
export type ProviderFailure = { outcome: "away" | "refused" | "failed"; work: string };

const WORK = "the sign-in at the OpenID provider";

/** Errors that name a wrong setting, or that the browser can cause (RFC 6749 §4.1.2.1 and §5.2). */
const KNOWN: ReadonlySet<unknown> = new Set([
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "unauthorized_client",
  "unsupported_response_type",
  "server_error",
  "temporarily_unavailable",
]);

/** Codes of `openid-client` for an answer that was none. */
const NO_ANSWER: ReadonlySet<unknown> = new Set([
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
]);

/** What an error of `openid-client` means. */
export function failureAtProvider(error: unknown): ProviderFailure {
  const { name, code, error: oauthError } = error as { name?: unknown; code?: unknown; error?: unknown };
  const work = KNOWN.has(oauthError) ? `${WORK} (${oauthError})` : WORK;
  if (name === "AuthorizationResponseError" && oauthError === "access_denied") return { outcome: "refused", work };
  // The TypeError is that of `fetch`.
  const isAway = error instanceof TypeError || NO_ANSWER.has(code);
  return { outcome: isAway ? "away" : "failed", work };
}

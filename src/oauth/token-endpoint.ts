import { safeParse } from "zod/v4/core";
import { MintmarkError } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";
import { type ClaimsSchema, scopeString } from "../token/claims.ts";
import { requestedClaims } from "../token/describe-claims.ts";
import { type Answer, jsonAnswer } from "./answers.ts";
import type { Form } from "./form.ts";
import { requiredParameter } from "./request.ts";

/** Performs a grant for an authenticated client. */
type PerformGrant = (caller: Caller, form: Form) => Promise<IssuedToken>;

/** The grant types that the token endpoint serves. */
export const GRANT_TYPES = ["client_credentials", "refresh_token"] as const;

/** Makes the token endpoint (RFC 6749 §3.2). */
export function createTokenEndpoint<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
): (caller: Caller, form: Form) => Promise<Answer> {
  const schema = requestedClaims(service.claims);
  const grants: Record<(typeof GRANT_TYPES)[number], PerformGrant> = {
    // Without a refresh token (RFC 6749 §4.4.3).
    client_credentials: (caller, form) =>
      service.getToken(caller, { scope: scopeOf(form), resources: form.resources, claims: defaultClaims(schema) }),
    refresh_token: (caller, form) => {
      const refreshToken = requiredParameter(form, "refresh_token");
      return service.refreshToken(caller, { refreshToken, scope: scopeOf(form), resources: form.resources });
    },
  };
  return async (caller, form) => {
    const grantType = requiredParameter(form, "grant_type");
    const known = GRANT_TYPES.find((name) => name === grantType);
    if (known === undefined) throw new MintmarkError("unsupported_grant_type");
    return tokenAnswer(await grants[known](caller, form));
  };
}

/** RFC 6749 §5.1. */
function tokenAnswer({ token, tokenType, expiresIn, scope, refreshToken }: IssuedToken): Answer {
  return jsonAnswer({
    access_token: token,
    token_type: tokenType,
    expires_in: expiresIn,
    ...(scope !== "" && { scope }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  });
}

function scopeOf({ parameters }: Form): string | undefined {
  const scope = parameters.get("scope");
  const { error } = scopeString.safeParse(scope ?? "none");
  if (error === undefined) return scope;
  throw invalid("scope", error.issues[0]?.message);
}

/** The custom claims of a request that cannot have any: the defaults of their schema. */
function defaultClaims<Custom extends Record<string, unknown>>(schema: ClaimsSchema): Custom {
  const { data, error } = safeParse(schema, {});
  if (error === undefined) return data as Custom;
  const [{ path = [], message = "" } = {}] = error.issues;
  throw invalid(["claims", ...path.map(String)].join("."), message);
}

function invalid(path: string, message = "is invalid"): MintmarkError {
  return new MintmarkError("invalid_request", { issues: [{ path, message }] });
}

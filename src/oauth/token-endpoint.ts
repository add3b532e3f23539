import { safeParse } from "zod/v4/core";
import { MintmarkError } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { CodeExchange, ExchangedTokens } from "../service/authorization/exchange.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { requestedClaims } from "../token/describe-claims.ts";
import { jsonAnswer, type TextAnswer } from "./answers.ts";
import type { Form } from "./form.ts";
import { requiredParameter, scopeParameter } from "./request.ts";

/** Performs a grant for an authenticated client. */
type PerformGrant = (caller: Caller, form: Form) => Promise<ExchangedTokens>;

/** `device_code` in the metadata of a client (RFC 8628 §3.4). */
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** The grant types of programs, which every token endpoint serves, and those of people. */
export const GRANT_TYPES: readonly string[] = ["client_credentials", "refresh_token"];
export const GRANT_TYPES_OF_PEOPLE: readonly string[] = ["authorization_code", DEVICE_CODE];

/** Makes the token endpoint (RFC 6749 §3.2). */
export function createTokenEndpoint<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
): (caller: Caller, form: Form) => Promise<TextAnswer> {
  const schema = requestedClaims(service.claims);
  const { signIns, exchangeCode } = service;
  const grants: Record<string, PerformGrant> = {
    // Without a refresh token (RFC 6749 §4.4.3).
    client_credentials: (caller, form) =>
      service.getToken(caller, {
        scope: scopeParameter(form),
        resources: form.resources,
        claims: defaultClaims(schema),
      }),
    refresh_token: (caller, form) => {
      const refreshToken = requiredParameter(form, "refresh_token");
      return service.refreshToken(caller, { refreshToken, scope: scopeParameter(form), resources: form.resources });
    },
    ...(signIns !== undefined && { authorization_code: codeGrant(exchangeCode), [DEVICE_CODE]: deviceGrant(service) }),
  };
  return async (caller, form) => {
    const grantType = requiredParameter(form, "grant_type");
    const performGrant = Object.hasOwn(grants, grantType) ? grants[grantType] : undefined;
    if (performGrant === undefined) throw new MintmarkError("unsupported_grant_type");
    return tokenAnswer(await performGrant(caller, form));
  };
}

/** RFC 6749 §4.1.3. A missing parameter does not end the code, as a wrong one does. */
function codeGrant(exchangeCode: CodeExchange["exchangeCode"]): PerformGrant {
  return (caller, form) =>
    exchangeCode(caller, {
      code: requiredParameter(form, "code"),
      redirectUri: requiredParameter(form, "redirect_uri"),
      verifier: requiredParameter(form, "code_verifier"),
      resources: form.resources,
    });
}

/** RFC 8628 §3.4. */
function deviceGrant({ exchangeDeviceCode }: Pick<TokenService, "exchangeDeviceCode">): PerformGrant {
  return (caller, form) => exchangeDeviceCode(caller, { deviceCode: requiredParameter(form, "device_code") });
}

/** RFC 6749 §5.1. */
function tokenAnswer({ token, tokenType, expiresIn, scope, refreshToken, idToken }: ExchangedTokens): TextAnswer {
  return jsonAnswer({
    access_token: token,
    token_type: tokenType,
    expires_in: expiresIn,
    ...(scope !== "" && { scope }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    ...(idToken !== undefined && { id_token: idToken }),
  });
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

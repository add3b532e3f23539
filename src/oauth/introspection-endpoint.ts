import { MintmarkError } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { jsonAnswer, type TextAnswer, textAnswer } from "./answers.ts";
import type { Form } from "./form.ts";
import { type OAuthRequest, requiredParameter } from "./request.ts";

/** The media type of a signed introspection response (RFC 9701 §4). */
const SIGNED_TYPE = "application/token-introspection+jwt";

/** Makes the introspection endpoint (RFC 7662), whose answers are signed for a client that accepts it (RFC 9701). */
export function createIntrospectionEndpoint<Schema extends ClaimsSchema>({
  introspectToken,
  signIntrospection,
}: Pick<TokenService<Schema>, "introspectToken" | "signIntrospection">): (
  caller: Caller,
  form: Form,
  request: OAuthRequest,
) => Promise<TextAnswer> {
  return async (caller, form, { headers }) => {
    const introspection = await introspectToken(caller, requiredParameter(form, "token")).catch(inactiveIfDenied);
    const signed = acceptsSigned(headers.accept) ? await signIntrospection(caller.clientId, introspection) : undefined;
    const answer = signed === undefined ? jsonAnswer(introspection) : textAnswer(SIGNED_TYPE, signed);
    return { ...answer, headers: { ...answer.headers, vary: "accept" } };
  };
}

/** A client that may not introspect a token does not learn that it is one (RFC 7662 §2.2). */
function inactiveIfDenied(error: unknown): { active: false } {
  if (error instanceof MintmarkError && error.reason === "permission_denied") return { active: false };
  throw error;
}

/** Whether a client names the signed form in `Accept`. It is never sent for a wildcard: most clients read JSON alone. */
function acceptsSigned(accept = ""): boolean {
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === SIGNED_TYPE && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

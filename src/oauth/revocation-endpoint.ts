import { MintmarkError } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import { emptyAnswer, type TextAnswer } from "./answers.ts";
import type { Form } from "./form.ts";
import { requiredParameter } from "./request.ts";

/**
 * Makes the revocation endpoint (RFC 7009). It ignores `token_type_hint`: a token is found by what it is. A token of another
 * client is answered like an unknown one, without effect.
 */
export function createRevocationEndpoint({
  revokeToken,
}: Pick<TokenService, "revokeToken">): (caller: Caller, form: Form) => Promise<TextAnswer> {
  return async (caller, form) => {
    await revokeToken(caller, requiredParameter(form, "token")).catch(ignoreDenial);
    return emptyAnswer();
  };
}

function ignoreDenial(error: unknown): void {
  if (!(error instanceof MintmarkError) || error.reason !== "permission_denied") throw error;
}

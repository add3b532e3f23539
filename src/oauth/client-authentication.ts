import type { Credentials } from "../token/client-secret-basic.ts";
import type { PresentedCredentials } from "../token/decode-basic.ts";
import type { Form } from "./form.ts";
import { invalidRequest } from "./request.ts";

/**
 * The credentials of a client, in its header or in its form; `undefined` without any. Throws `invalid_request` for two
 * methods at once (RFC 6749 §2.3). Not checked: the credentials.
 */
export function presentedCredentials(
  inHeader: PresentedCredentials | undefined,
  form: Form,
): PresentedCredentials | undefined {
  const inForm = credentialsInForm(form);
  if (inHeader !== undefined && inForm !== undefined)
    throw invalidRequest("The client must authenticate by one method alone.");
  return inHeader ?? inForm;
}

function credentialsInForm({ parameters }: Form): Credentials | undefined {
  const clientId = parameters.get("client_id");
  const clientSecret = parameters.get("client_secret");
  if (clientSecret === undefined) return undefined;
  if (clientId === undefined) throw invalidRequest("The parameter client_id is missing.");
  return { clientId, clientSecret };
}

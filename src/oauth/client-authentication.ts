import { claimedClientId } from "../token/client-assertion.ts";
import { type PresentedCredentials, type PresentedSecret, UNREADABLE } from "../token/decode-basic.ts";
import type { Form } from "./form.ts";
import { invalidRequest } from "./request.ts";

/** The only supported `client_assertion_type` (RFC 7523 §2.2). */
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * The credentials of a client, in its header or in its form; `undefined` without any. Throws `invalid_request` for two
 * methods at once (RFC 6749 §2.3). Not checked: the credentials, and whether the client has this method.
 */
export function presentedCredentials(
  inHeader: PresentedSecret | undefined,
  form: Form,
): PresentedCredentials | undefined {
  const inForm = credentialsInForm(form);
  if (inHeader === undefined) return inForm;
  // Some clients send their id beside the header (RFC 6749 §3.2.1).
  if (inForm === undefined || (inForm.method === "none" && isOf(inHeader, inForm.clientId))) return inHeader;
  throw severalMethods();
}

function isOf(secret: PresentedSecret, clientId: string): boolean {
  return secret === UNREADABLE || secret.clientId === clientId || secret.asWritten?.clientId === clientId;
}

function credentialsInForm({ parameters }: Form): PresentedCredentials | undefined {
  const clientId = parameters.get("client_id");
  const clientSecret = parameters.get("client_secret");
  const assertion = assertionIn(parameters);
  if (assertion !== undefined && clientSecret !== undefined) throw severalMethods();
  if (assertion !== undefined) return withAssertion(assertion, clientId);
  if (clientSecret === undefined) return clientId === undefined ? undefined : { method: "none", clientId };
  if (clientId === undefined) throw invalidRequest("The parameter client_id is missing.");
  return { method: "client_secret_post", clientId, clientSecret };
}

type Assertion = { type: string; assertion: string };

function assertionIn(parameters: Form["parameters"]): Assertion | undefined {
  const type = parameters.get("client_assertion_type");
  const assertion = parameters.get("client_assertion");
  if (type === undefined && assertion === undefined) return undefined;
  if (type !== undefined && assertion !== undefined) return { type, assertion };
  throw invalidRequest("The parameters client_assertion and client_assertion_type need each other.");
}

/** Without a `client_id`, the assertion names its client (RFC 7521 §4.2). With one, that client has to have signed it. */
function withAssertion({ type, assertion }: Assertion, given: string | undefined): PresentedCredentials {
  const clientId = given ?? claimedClientId(assertion);
  if (type !== ASSERTION_TYPE || clientId === undefined) return UNREADABLE;
  return { method: "private_key_jwt", clientId, assertion };
}

function severalMethods() {
  return invalidRequest("The client must authenticate by one method alone.");
}

import { MintmarkError } from "../errors.ts";
import { scopeString } from "../token/claims.ts";
import type { PresentedSecret } from "../token/decode-basic.ts";
import { type Form, type FormOutcome, parseParameters, readForm } from "./form.ts";

/** A request to an OAuth endpoint, as received by any HTTP server. */
export type OAuthRequest = {
  /** Default POST. */
  method?: string | undefined;
  /** The credentials in the `Authorization` header; `undefined` without that header. */
  credentials: PresentedSecret | undefined;
  headers: {
    accept?: string | undefined;
    authorization?: string | undefined;
    "content-encoding"?: string | undefined;
    "content-type"?: string | undefined;
  };
  /** Names and values by turns. Shows a repeated field, of which `headers` has one. */
  rawHeaders?: readonly string[] | undefined;
  body: Uint8Array;
  /** Without the question mark. */
  query: string;
  /** Without it, no limit by address applies. */
  address: string | undefined;
  /** Whether a script of a page sent it. Default false. */
  isOfPage?: boolean;
};

/** The parameters of a request. Throws `invalid_request` where they are not a form, and for a query: servers log URLs. */
export function formOf({ headers, body, query }: Pick<OAuthRequest, "headers" | "body" | "query">): Form {
  if (query !== "") throw invalidRequest("The parameters must be in the body: the query must be empty.");
  const { "content-encoding": encoding = "identity" } = headers;
  if (encoding.toLowerCase() !== "identity") throw invalidRequest("The body must not be compressed.");
  return parametersIn(readForm(body, headers["content-type"]));
}

/** The client that a form names; `undefined` where it is no form, or names none. */
export function clientIdIn({ headers, body }: Pick<OAuthRequest, "headers" | "body">): string | undefined {
  const read = readForm(body, headers["content-type"]);
  return read.outcome === "read" ? read.form.parameters.get("client_id") : undefined;
}

/** The parameters of a query without its question mark. Throws `invalid_request` where it has none to read. */
export function queryOf(query: string): Form {
  return parametersIn(parseParameters(query));
}

function parametersIn(read: FormOutcome): Form {
  if (read.outcome !== "read") throw invalidRequest(read.description);
  return read.form;
}

/** A required parameter. Throws `invalid_request` without it. */
export function requiredParameter({ parameters }: Form, name: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw invalidRequest(`The parameter ${name} is missing.`);
  return value;
}

/** The `scope` of a request. Throws `invalid_request` unless it is scope tokens separated by spaces. */
export function scopeParameter({ parameters }: Form): string | undefined {
  const scope = parameters.get("scope");
  const { error } = scope === undefined ? {} : scopeString.safeParse(scope);
  if (error === undefined) return scope;
  throw new MintmarkError("invalid_request", { issues: [{ path: "scope", message: error.issues[0]?.message ?? "" }] });
}

export function invalidRequest(message: string): MintmarkError {
  return new MintmarkError("invalid_request", { issues: [{ path: "", message }] });
}

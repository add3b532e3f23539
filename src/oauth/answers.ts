import { catalogue, type Issue, MintmarkError, type Reason } from "../errors.ts";
import type { Cookies } from "../service/authorization/step.ts";
import type { Seconds } from "../time.ts";
import type { Page } from "./page.ts";

/** The answer to a request, for any HTTP server. */
export type Answer = TextAnswer | PageAnswer | ResponseAnswer;

type Head = {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** What to set in the browser. Default: nothing. */
  cookies?: Cookies | undefined;
  /** What failed, for the log. Absent where the server did not fail. */
  failure?: unknown;
};

export type TextAnswer = Head & { body: string };

/** A page of this server, in the language of the browser. */
export type PageAnswer = Head & { page: Page };

/** The answer of the application's sign-in hook, to pass on with its status and headers. */
type ResponseAnswer = Head & { response: Response };

/** Answers have tokens, and so are not stored (RFC 6749 §5.1). */
export const NO_STORE: Readonly<Record<string, string>> = { "cache-control": "no-store", pragma: "no-cache" };

export function jsonAnswer(value: object): TextAnswer {
  return textAnswer("application/json", JSON.stringify(value));
}

export function textAnswer(type: string, body: string): TextAnswer {
  return { status: 200, headers: { ...NO_STORE, "content-type": type }, body };
}

/** An answer without a body. */
export function emptyAnswer(): TextAnswer {
  return { status: 200, headers: NO_STORE, body: "" };
}

/** Sends the browser to a URL by GET, also after POST (RFC 9110 §15.4.4). */
export function seeOther(location: string): TextAnswer {
  return { status: 303, headers: { ...NO_STORE, "referrer-policy": "no-referrer", location }, body: "" };
}

/** Statuses after which a client may retry. */
const MAY_RETRY: ReadonlySet<number> = new Set([429, 503]);

/** `Retry-After` where the error has none. */
const RETRY_AFTER: Seconds = 1;

const BASIC = 'Basic realm="mintmark", charset="UTF-8"';

/**
 * The answer for an error (RFC 6749 §5.2): `error` and `error_description`, with the reason of the catalogue beside them.
 * `isChallenged`: whether the client tried the `Authorization` header, and so receives a challenge. `errorOf`: the `error` of
 * an endpoint that has its own.
 */
export function errorAnswer(thrown: unknown, { isChallenged = false, errorOf = oauthErrorOf } = {}): TextAnswer {
  const error = thrown instanceof MintmarkError ? thrown : new MintmarkError("internal_error", { cause: thrown });
  const { reason } = error;
  const code = errorOf(error);
  const status = statusOf(reason, code);
  const retryAfter = error.retryAfter ?? (MAY_RETRY.has(status) ? RETRY_AFTER : undefined);
  const body = { error: code, error_description: describe(error), error_reason: reason };
  return {
    status,
    headers: {
      ...NO_STORE,
      "content-type": "application/json",
      ...(code === "invalid_client" && isChallenged && { "www-authenticate": BASIC }),
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    },
    body: JSON.stringify(body),
    ...(status >= 500 && { failure: thrown }),
  };
}

/** The `error` where the reason alone does not settle it: by reason and refused parameter. */
const OF_PARAMETER: ReadonlyMap<string, string> = new Map([
  ["permission_denied scope", "invalid_scope"],
  ["permission_denied audience", "invalid_target"],
  ["invalid_request scope", "invalid_scope"],
]);

export function oauthErrorOf({ reason, issues: [issue] }: MintmarkError): string {
  return OF_PARAMETER.get(`${reason} ${issue?.path}`) ?? catalogue[reason].oauth;
}

/** The errors of RFC 6749 §5.2, RFC 8707 §2 and RFC 7591 §3.2.2 with the status 400. */
const BAD_REQUESTS: ReadonlySet<string> = new Set([
  "invalid_request",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "invalid_redirect_uri",
  "invalid_client_metadata",
]);

/** HTTP itself has a status for these. */
const OF_HTTP: ReadonlySet<Reason> = new Set(["method_not_supported", "payload_too_large"]);

function statusOf(reason: Reason, code: string): number {
  return BAD_REQUESTS.has(code) && !OF_HTTP.has(reason) ? 400 : catalogue[reason].status;
}

/** The characters that a description cannot have (RFC 6749 §5.2). */
const NOT_DESCRIPTIVE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

function describe({ message, issues }: MintmarkError): string {
  const [issue] = issues;
  const text = issue === undefined ? message : `${message}: ${describeIssue(issue)}`;
  return text.replaceAll('"', "'").replace(NOT_DESCRIPTIVE, "?");
}

function describeIssue({ path, message }: Issue): string {
  return path === "" ? message : `${path} ${message}`;
}

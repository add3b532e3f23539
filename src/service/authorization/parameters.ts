import type { Seconds } from "../../time.ts";
import { scopeString } from "../../token/claims.ts";
import { isChallenge } from "./pkce.ts";
import type { AuthorizationParameters } from "./step.ts";

/** An error for the client (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). The description quotes no value. */
export type AuthorizationError = { error: string; description: string };

/** What a request asks for, valid in itself. Not checked: whether the client may ask for it. */
export type RequestedAuthorization = {
  challenge: string;
  scope: string | undefined;
  nonce: string | undefined;
  prompt: { none: boolean; login: boolean; consent: boolean };
  maxAge: Seconds | undefined;
  loginHint: string | undefined;
};

/** Longest `state`, `nonce` and `login_hint`, in characters. */
const MAX_STATE = 2000;
const MAX_NONCE = 500;
const MAX_HINT = 255;

const CONTROL_CHARACTER = /\p{Cc}/u;

/** Parameters that would replace others (RFC 9101, OIDC Core §6). To ignore one would grant what its sender did not ask for. */
const REFUSED: readonly (readonly [name: string, error: string])[] = [
  ["request", "request_not_supported"],
  ["request_uri", "request_uri_not_supported"],
  ["registration", "registration_not_supported"],
];

type Parameters = AuthorizationParameters["parameters"];
type Check = (parameters: Parameters) => AuthorizationError | undefined;

/** In this order: the first one that fails is the answer. */
const CHECKS: readonly Check[] = [
  (parameters) => {
    const [name, error = ""] = REFUSED.find(([name]) => parameters.has(name)) ?? [];
    return name === undefined ? undefined : { error, description: `The parameter ${name} is not supported.` };
  },
  (parameters) => {
    const type = parameters.get("response_type");
    if (type === undefined) return invalid("The parameter response_type is missing.");
    return type === "code" ? undefined : { error: "unsupported_response_type", description: "It must be code." };
  },
  (parameters) => {
    const mode = parameters.get("response_mode") ?? "query";
    return isResponseMode(mode) ? undefined : invalid("The response_mode must be query or form_post.");
  },
  (parameters) => {
    if (parameters.get("code_challenge_method") !== "S256")
      return invalid("The code_challenge_method must be S256 (PKCE, RFC 7636).");
    return isChallenge(parameters.get("code_challenge") ?? "")
      ? undefined
      : invalid("The code_challenge must be a SHA-256 hash in base64url, 43 characters.");
  },
  (parameters) => {
    const scope = parameters.get("scope");
    const isValid = scope === undefined || scopeString.safeParse(scope).success;
    return isValid
      ? undefined
      : { error: "invalid_scope", description: "It must be scope tokens separated by spaces." };
  },
  (parameters) => {
    const limits = { state: MAX_STATE, nonce: MAX_NONCE, login_hint: MAX_HINT };
    const long = Object.entries(limits).find(([name, most]) => (parameters.get(name)?.length ?? 0) > most);
    return long && invalid(`The parameter ${long[0]} must have ${long[1]} characters at most.`);
  },
  (parameters) => {
    const name = ["state", "nonce", "login_hint"].find((name) => CONTROL_CHARACTER.test(parameters.get(name) ?? ""));
    return name === undefined ? undefined : invalid(`The parameter ${name} must have no control characters.`);
  },
  (parameters) => {
    const { isKnown, prompts } = promptsIn(parameters);
    if (!isKnown) return invalid("The prompt must be of none, login, consent and select_account.");
    return prompts.includes("none") && prompts.length > 1
      ? invalid("The prompt none must be the only one.")
      : undefined;
  },
  (parameters) =>
    /^\d{1,9}$/.test(parameters.get("max_age") ?? "0") ? undefined : invalid("The max_age must be whole seconds."),
];

const PROMPTS = ["none", "login", "consent", "select_account"];

/** The values of `prompt` that the authorization endpoint supports. */
export const SUPPORTED_PROMPTS: readonly string[] = PROMPTS;

/** Reads the parameters of an authorization request after its client and redirect URI are proven. */
export function readParameters({ parameters }: AuthorizationParameters): RequestedAuthorization | AuthorizationError {
  for (const check of CHECKS) {
    const error = check(parameters);
    if (error !== undefined) return error;
  }
  const { prompts } = promptsIn(parameters);
  const maxAge = parameters.get("max_age");
  return {
    challenge: parameters.get("code_challenge") ?? "",
    scope: parameters.get("scope"),
    nonce: parameters.get("nonce"),
    prompt: {
      none: prompts.includes("none"),
      // A session of the same second has the age 0, too.
      login: ["login", "select_account"].some((one) => prompts.includes(one)) || Number(maxAge) === 0,
      consent: prompts.includes("consent"),
    },
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: parameters.get("login_hint"),
  };
}

/** How the answer reaches the client: as requested where that is possible, else in the query. */
export function responseModeOf(parameters: Parameters): "query" | "form_post" {
  const mode = parameters.get("response_mode") ?? "query";
  return isResponseMode(mode) ? mode : "query";
}

function isResponseMode(mode: string): mode is "query" | "form_post" {
  return mode === "query" || mode === "form_post";
}

function promptsIn(parameters: Parameters): { isKnown: boolean; prompts: readonly string[] } {
  const prompts = parameters.get("prompt")?.split(" ") ?? [];
  return { isKnown: prompts.every((prompt) => PROMPTS.includes(prompt)), prompts };
}

function invalid(description: string): AuthorizationError {
  return { error: "invalid_request", description };
}

import { encodeForm, FORM, type Parameters } from "../../support/oauth.ts";
import { send } from "../../support/request.ts";
import type { Attempt } from "./attempts.ts";
import { type Answer, type Endpoint, inRounds, isReal, MAX_BODY, mayExceed, withoutVolatile } from "./endpoints.ts";
import type { Target } from "./targets.ts";

type FormEndpoint = {
  name: string;
  path: "token" | "introspect" | "revoke";
  parameters(attempt: Attempt, target: Pick<Target, "assertingClient">): Parameters;
  expects(attempt: Attempt): string | undefined;
  /** The verdict of an answer with the status 200. */
  verdict(text: string): string;
  /** The address to call from, by the number of the call. */
  from?: (at: number) => string;
};

/** An OAuth endpoint, to which a form carries the token. */
function formEndpoint({ name, path, parameters, expects, verdict, from }: FormEndpoint): Endpoint {
  return {
    name,
    expects(attempt) {
      const { token } = attempt;
      // A form has text alone, and UTF-8 no lone surrogate.
      if (typeof token !== "string" || !token.isWellFormed()) return undefined;
      const most = MAX_BODY - 100;
      if (mayExceed(attempt, most) && encodeForm(parameters(attempt, { assertingClient: "" })).length > most)
        return undefined;
      return token === "" ? "invalid_request" : expects(attempt);
    },
    async present(target, attempts) {
      const numbered = attempts.map((attempt, at) => ({ attempt, at }));
      return inRounds(numbered, async ({ attempt, at }, agent): Promise<Answer> => {
        const { status, headers, text } = await send(`${target.url}/oauth/${path}`, {
          agent,
          method: "POST",
          headers: { "content-type": FORM },
          body: encodeForm(parameters(attempt, target)),
          from: from?.(at),
        });
        const said = status === 200 ? verdict(text) : JSON.parse(text).error_reason;
        return { verdict: said, said: `${status} ${text}`, head: withoutVolatile(headers) };
      });
    },
  };
}

export const introspectEndpoint = formEndpoint({
  name: "POST /oauth/introspect",
  path: "introspect",
  parameters: ({ token }) => ({ token: String(token) }),
  expects: (attempt) => (isReal(attempt) ? "active" : "inactive"),
  // RFC 7662 §2.2: nothing else, so nobody learns why.
  verdict(text) {
    if (text === '{"active":false}') return "inactive";
    return JSON.parse(text).active === true ? "active" : "another answer";
  },
});

export const revokeEndpoint = formEndpoint({
  name: "POST /oauth/revoke",
  path: "revoke",
  parameters: ({ token }) => ({ token: String(token) }),
  // RFC 7009 §2.2: to revoke an unknown token succeeds. A token signed by the service's own key is known.
  expects: ({ isIdentified }) => (isIdentified ? undefined : "done"),
  verdict: (text) => (text === "" ? "done" : "another answer"),
});

export const refreshEndpoint = formEndpoint({
  name: "POST /oauth/token, refresh_token",
  path: "token",
  parameters: ({ token }) => ({ grant_type: "refresh_token", refresh_token: String(token) }),
  expects: () => "invalid_refresh_token",
  verdict: () => "accepted",
});

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Failed authentications are counted by address: with one for each few calls, every assertion is verified. */
const CALLS_PER_ADDRESS = 9;

/** Tokens as the assertion of a client that has the keys of the service: their type, `iss`, `sub` and `aud` are others. */
export const assertionEndpoint = formEndpoint({
  name: "POST /oauth/token, client_assertion",
  path: "token",
  parameters: ({ token }, { assertingClient: client_id }) => ({
    grant_type: "client_credentials",
    client_id,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: String(token),
  }),
  expects: ({ token }) => (token === "" ? "invalid_request" : "invalid_client"),
  verdict: () => "accepted",
  from(at) {
    const number = Math.floor(at / CALLS_PER_ADDRESS);
    return `127.0.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
  },
});

import type { Agent } from "node:http";
import type { Algorithm } from "../../../src/token/signature.ts";
import type { Attempt } from "./attempts.ts";
import { type Answer, ask, type Endpoint, inRounds } from "./endpoints.ts";

// RFC 6750 §2.1. HTTP carries no control characters, and no white space around a value.
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const UNSENDABLE = /[^\t\P{Cc}]|^[\t ]|[\t ]$/u;

/** Node gives the header of a request 16 KiB, and ends a connection on which there is more. */
const MAX_HEADER = 15_000;

/** The service as a gateway asks it. */
export function gatewayEndpoint(urlOf: (alg: Algorithm, audience?: string) => string): Endpoint {
  const { expects, present } = middlewareEndpoint("GET /verify", urlOf);
  return {
    name: "GET /verify",
    expects,
    async present(target, attempts) {
      const answers = await present(target, attempts);
      // The head of an acceptance is about this token alone.
      return answers.map((answer) => (answer.verdict === "accepted" ? { ...answer, head: "" } : answer));
    },
  };
}

/** A service with a middleware in front of it. */
export function middlewareEndpoint(name: string, urlOf: (alg: Algorithm, audience?: string) => string): Endpoint {
  async function askFor({ alg, token, audience }: Attempt, agent: Agent): Promise<Answer> {
    const authorization = Buffer.from(`Bearer ${token}`).toString("latin1");
    const { status, head, text } = await ask(urlOf(alg, audience), { agent, headers: { authorization } });
    if (status === 200) return { verdict: "accepted", said: text, head };
    const { reason, error } = JSON.parse(text);
    return { verdict: reason ?? error.data.reason, said: `${status} ${text}`, head };
  }

  return { name, expects: expectsOfBearer, present: (_, attempts) => inRounds(attempts, askFor) };
}

function expectsOfBearer({ token, verdict }: Attempt): string | undefined {
  if (typeof token !== "string" || token.length > MAX_HEADER || UNSENDABLE.test(token)) return undefined;
  return BEARER_TOKEN.test(token) ? verdict : "malformed_request";
}

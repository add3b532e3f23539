import { Agent } from "node:http";
import { send } from "../../support/request.ts";
import type { Attempt } from "./attempts.ts";
import type { Target } from "./targets.ts";

/** The answer to one token. */
export type Answer = {
  verdict: string;
  /** The part of the answer about this token. */
  said: string;
  /** The header fields of the answer. */
  head: string;
};

/** A place at which tokens are presented. */
export type Endpoint = {
  name: string;
  /** The expected verdict, or `undefined` if the token cannot be presented here. */
  expects(attempt: Attempt): string | undefined;
  /** Presents tokens of one algorithm to the service that has its key. */
  present(target: Target, attempts: readonly Attempt[]): Promise<Answer[]>;
};

const MAX_CALLS = 50;
export const MAX_BODY = 64 * 1024;

/** Sends requests one at a time: all services share a processor, and none may wait for long. */
export async function inRounds<Request, Outcome>(
  requests: readonly Request[],
  serve: (request: Request, agent: Agent) => Promise<Outcome>,
): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    return await Promise.all(requests.map((request) => serve(request, agent)));
  } finally {
    agent.destroy();
  }
}

export async function ask(url: string, request: Parameters<typeof send>[1]) {
  const { status, headers, text } = await send(url, request);
  return { status, head: withoutVolatile(headers), text };
}

/** Header fields as text, without those that differ for each answer. */
export function withoutVolatile(headers: object): string {
  const { date: _, "content-length": __, "x-request-id": ___, ...head } = headers as Record<string, unknown>;
  return JSON.stringify(head);
}

type Envelope = { result?: { data: Record<string, unknown> }; error?: { data: { reason: string } } };
type Procedure = {
  name: string;
  input(attempt: Attempt): object;
  expects: Endpoint["expects"];
  /** The verdict of a call without an error. */
  verdict(data: Record<string, unknown>): string;
};

/** A procedure, called over HTTP in the largest batches that are allowed. */
function procedureEndpoint({ name, input, expects, verdict }: Procedure): Endpoint {
  const sent = (attempt: Attempt) => JSON.stringify(input(attempt));

  async function call(url: string, inputs: readonly string[], agent: Agent): Promise<Answer[]> {
    const isBatch = inputs.length > 1;
    const { head, text } = await ask(`${url}/trpc/${inputs.map(() => name).join(",")}${isBatch ? "?batch=1" : ""}`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: isBatch ? `{${inputs.map((input, at) => `"${at}":${input}`).join(",")}}` : inputs.join(),
    });
    const envelopes: Envelope[] = [JSON.parse(text)].flat();
    return envelopes.map((envelope) => ({
      verdict: envelope.error?.data.reason ?? verdict(envelope.result?.data ?? {}),
      said: JSON.stringify(envelope),
      head,
    }));
  }

  return {
    name,
    expects: (attempt) =>
      mayExceed(attempt, MAX_BODY) && Buffer.byteLength(sent(attempt)) > MAX_BODY
        ? "payload_too_large"
        : expects(attempt),
    async present({ url }, attempts) {
      const batches = inBatches(attempts.map(sent));
      return (await inRounds(batches, (batch, agent) => call(url, batch, agent))).flat();
    },
  };
}

/** Bytes of a request beside its token, at most. */
const PER_REQUEST = 1_000;

/** A form spells a code unit of UTF-16 in at most nine bytes, and JSON in six: most tokens need not be spelled to be measured. */
export function mayExceed({ token }: Attempt, bytes: number): boolean {
  return typeof token !== "string" || 9 * token.length + PER_REQUEST > bytes;
}

/** Bytes of a call in a batch beside its input: its number and punctuation. */
const PER_CALL = 8;

function inBatches(inputs: readonly string[]): string[][] {
  const batches: string[][] = [];
  let size = 0;
  for (const input of inputs) {
    const bytes = Buffer.byteLength(input) + PER_CALL;
    const last = batches.at(-1);
    if (last === undefined || last.length === MAX_CALLS || size + bytes > MAX_BODY) {
      batches.push([input]);
      size = bytes;
    } else {
      last.push(input);
      size += bytes;
    }
  }
  return batches;
}

/** JSON turns a String object into text. Everything else that is no text is bad input. */
function ofText(expects: Endpoint["expects"]): Endpoint["expects"] {
  return (attempt) => {
    if (attempt.token instanceof String) return undefined;
    return typeof attempt.token === "string" ? expects(attempt) : "invalid_request";
  };
}

/** A token for another audience is valid as well, and can be revoked. */
export const isReal = ({ verdict }: Attempt) => verdict === "accepted" || verdict === "wrong_audience";

const MAX_REFRESH_TOKEN = 255;

export const verifyTokenEndpoint = procedureEndpoint({
  name: "verifyToken",
  input: ({ token, audience }) => ({ token, audience }),
  expects: ofText(({ verdict }) => verdict),
  verdict: () => "accepted",
});

export const introspectTokenEndpoint = procedureEndpoint({
  name: "introspectToken",
  input: ({ token }) => ({ token }),
  // RFC 7662 §2.2: the answer gives no reason.
  expects: ofText((attempt) => (isReal(attempt) ? "active" : "inactive")),
  verdict: ({ active }) => (active === true ? "active" : "inactive"),
});

export const revokeTokenEndpoint = procedureEndpoint({
  name: "revokeToken",
  input: ({ token }) => ({ token }),
  // RFC 7009 §2.2: to revoke an unknown token succeeds. A token signed by the service's own key is known.
  expects: ofText(({ isIdentified }) => (isIdentified ? undefined : "done")),
  verdict: ({ sequence }) => (typeof sequence === "number" ? "done" : "another answer"),
});

export const refreshTokenEndpoint = procedureEndpoint({
  name: "refreshToken",
  input: ({ token }) => ({ refreshToken: token }),
  expects: ofText(({ token }) => {
    const { length } = String(token);
    return length > 0 && length <= MAX_REFRESH_TOKEN ? "invalid_refresh_token" : "invalid_request";
  }),
  verdict: () => "accepted",
});

/** A local verifier that follows the service. */
export const verifierEndpoint: Endpoint = {
  name: "createVerifier",
  // With a shared secret no key is published: only the service itself can accept.
  expects: ({ alg, verdict }) => (alg === "HS256" ? "invalid_token" : verdict),
  present: ({ verifier }, attempts) =>
    Promise.all(
      attempts.map(({ token, audience }) =>
        verifier.verify(token, { audience }).then(
          (claims) => ({ verdict: "accepted", said: JSON.stringify(claims), head: "" }),
          ({ message, ...rest }) => ({
            verdict: String(rest.reason),
            said: JSON.stringify({ message, rest }),
            head: "",
          }),
        ),
      ),
    ),
};

import { send } from "./request.ts";

export type Credentials = { clientId: string; clientSecret: string };

export type CallAs = {
  /** Several names, separated by commas, make a batch of calls with the same input. */
  procedure: string;
  input?: unknown;
  /** A list is sent as several header fields. */
  authorization?: string | string[] | undefined;
  /** The address of this machine to call from. */
  from?: string;
};

/** HTTP Basic by RFC 6749 §2.3.1, without the code under test. */
export function basic({ clientId, clientSecret }: Credentials): string {
  return `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`;
}

/** The status of an answer and its envelope; of a batch, a list of envelopes. */
export async function callAs(url: string, { procedure, input = {}, authorization, from }: CallAs) {
  const calls = procedure.split(",");
  const body = calls.length > 1 ? Object.fromEntries(calls.map((_, at) => [at, input])) : input;
  const target = `${url}/trpc/${procedure}${calls.length > 1 ? "?batch=1" : ""}`;
  const headers = { "content-type": "application/json", ...(authorization !== undefined && { authorization }) };
  const answer = await send(target, { method: "POST", headers, body: JSON.stringify(body), from });
  const envelopes = [JSON.parse(answer.text)].flat() as { result?: { data: unknown }; error?: CallError }[];
  const reasons = envelopes.map(({ error }) => error?.data.reason ?? "served");
  return { ...answer, reasons, reason: reasons[0], error: envelopes[0]?.error, data: envelopes[0]?.result?.data };
}

type CallError = { message: string; data: { reason: string; code: string } };

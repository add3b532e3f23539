import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeJwt, type JWTPayload } from "jose";
import { serveDocuments } from "./document-server.ts";

export type ReceivedLogout = {
  url: string | undefined;
  method: string | undefined;
  headers: IncomingHttpHeaders;
  /** The parameters of the form, and the claims of its token. */
  form: Record<string, string>;
  token: string;
  claims: JWTPayload;
};

/** The back channel of a client on loopback. `answer` gets the number of the request, from 1. */
export async function receiveLogouts(
  answer: (response: ServerResponse, attempt: number) => void = (response) => response.writeHead(200).end(),
) {
  const received: ReceivedLogout[] = [];
  const server = await serveDocuments(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = Object.fromEntries(new URLSearchParams(body));
    const { logout_token: token = "" } = form;
    const { url, method, headers } = request;
    received.push({ url, method, headers, form, token, claims: decodeJwt(token) });
    answer(response, received.length);
  });
  return {
    ...server,
    url: `http://127.0.0.1:${server.port}/logout`,
    received,
    /** Resolves when so many requests have arrived. */
    async arrivals(count: number): Promise<ReceivedLogout[]> {
      const end = performance.now() + 5000;
      while (received.length < count && performance.now() < end) await sleep(5);
      return received;
    },
  };
}

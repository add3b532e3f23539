import { type Agent, request as httpRequest } from "node:http";

export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string };

export type RawRequest = {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
  /** Sends the body in chunks, without a length. */
  chunked?: boolean;
  /** Default: a connection for each request. */
  agent?: Agent;
  /** The address of this machine to send from. */
  from?: string | undefined;
};

/** Sends one request verbatim: unlike `fetch`, any method, any Host and any body. */
export function send(url: string, { method = "GET", headers = {}, ...rest }: RawRequest = {}): Promise<Answer> {
  const { body, chunked, agent = false, from } = rest;
  const options = { method, headers, agent, ...(from !== undefined && { localAddress: from }) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    request.on("error", reject);
    if (body !== undefined && !chunked) request.setHeader("content-length", Buffer.byteLength(body));
    request.end(body);
  });
}

export type Call = { status: number; data: unknown; error: { message: string; data: Record<string, unknown> } };

/** Calls a mutation, or a query by POST, and reads the answer's envelope. */
export async function call(url: string, procedure: string, input: unknown): Promise<Call> {
  const { status, text } = await send(`${url}/trpc/${procedure}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof input === "string" ? input : JSON.stringify(input),
  });
  const { result, error } = JSON.parse(text);
  return { status, data: result?.data, error };
}

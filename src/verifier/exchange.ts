import type { Seconds } from "../time.ts";
import { ExchangeError } from "./exchange-error.ts";

/** What is used of the global `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How to reach the service. */
export type Service = {
  /** Where it is, without `/trpc` and without a slash at the end. */
  url: string;
  /** HTTP Basic, if access is not open. */
  authorization: string | undefined;
  fetch: Fetch;
  /** Aborted when the verifier is closed. */
  closing: AbortSignal;
};

type Request = { headers: Record<string, string>; signal: AbortSignal; fetch: Fetch };
type Answer = { headers: Headers; body: AsyncIterable<Uint8Array> };

/**
 * Asks for a document that is as new as can be, and rejects for any answer but a 200 with a body. Redirects
 * are not followed: whoever is redirected to would decide what is trusted.
 */
export async function request(url: string, { headers, signal, fetch }: Request): Promise<Answer> {
  const response = await fetch(url, {
    headers: { ...headers, "cache-control": "no-cache" },
    signal,
    redirect: "error",
  });
  if (response.status !== 200 || response.body === null) {
    const { status } = response;
    throw new ExchangeError(`The service answered ${status}`, { status, retryAfter: retryAfterOf(response.headers) });
  }
  return { headers: response.headers, body: chunksOf(response.body, signal) };
}

/**
 * Reads a body until it or the exchange ends. The reader is cancelled as well, since the signal alone does
 * not always end a body that had to wait for its reader: the connection would stay open.
 */
async function* chunksOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { value, done } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** The seconds of RFC 9110 §10.2.3; the form with a date is left aside, since clocks differ. */
function retryAfterOf(headers: Headers): Seconds | undefined {
  const value = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Reads a whole body as UTF-8, or rejects where it is longer than so many bytes or anything else. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new ExchangeError(`The answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

import type { Reason } from "../../errors.ts";
import type { Seconds } from "../../time.ts";
import { IssuerError, reasonIn } from "./issuer-error.ts";

/** The part of the global `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How to reach the service. */
export type Service = {
  /** Base URL without `/trpc` and without a trailing slash. */
  url: string;
  /** HTTP Basic, if access is not open. */
  authorization: string | undefined;
  fetch: Fetch;
  /** Aborted when the verifier is closed. */
  closing: AbortSignal;
};

type Request = { headers: Record<string, string>; signal: AbortSignal; fetch: Fetch };
type HttpResponse = { headers: Headers; body: AsyncIterable<Uint8Array> };

/**
 * Requests a document past all caches. Rejects unless the response is a 200 with a body. Follows no redirects: their target
 * would decide which tokens are trusted.
 */
export async function request(url: string, { headers, signal, fetch }: Request): Promise<HttpResponse> {
  const response = await fetch(url, {
    headers: { ...headers, "cache-control": "no-cache" },
    signal,
    redirect: "manual",
  });
  if (response.status !== 200 || response.body === null) {
    const { status } = response;
    const reason =
      status >= 400 && response.body !== null ? await reasonOf(chunksOf(response.body, signal)) : undefined;
    const refusal = { status, reason, retryAfter: retryAfterOf(response.headers) };
    throw new IssuerError(`The service answered ${status}`, refusal);
  }
  return { headers: response.headers, body: chunksOf(response.body, signal) };
}

/** Longest body of a refusal, in bytes. */
const MAX_REFUSAL = 64 * 1024;

/** The reason in the body of a refusal. A proxy may have sent another body. */
async function reasonOf(body: AsyncIterable<Uint8Array>): Promise<Reason | undefined> {
  try {
    const { error }: { error?: unknown } = JSON.parse(await readText(body, MAX_REFUSAL)) ?? {};
    return reasonIn(error);
  } catch {
    return undefined;
  }
}

/** Reads a body until it ends or the signal aborts. Also cancels the reader: the signal alone can leave the connection open. */
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

/** The seconds of RFC 9110 §10.2.3. Ignores the form with a date: clocks differ. */
function retryAfterOf(headers: Headers): Seconds | undefined {
  const value = headers.get("retry-after") ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Reads a whole body. Rejects if it is longer than `maxBytes` or not UTF-8. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [text, length] = ["", 0];
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new IssuerError(`The response is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

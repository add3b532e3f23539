import type { Reason } from "../../errors.ts";
import type { Seconds } from "../../time.ts";
import { ExchangeError, reasonIn } from "./issuer-error.ts";

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
type HttpResponse = { headers: Headers; body: AsyncIterable<Uint8Array> };

/**
 * Asks for a document that is as new as can be, and rejects for any answer but a 200 with a body. Redirects
 * are not followed: whoever is redirected to would decide what is trusted.
 */
export async function request(url: string, { headers, signal, fetch }: Request): Promise<HttpResponse> {
  const response = await fetch(url, {
    headers: { ...headers, "cache-control": "no-cache" },
    signal,
    redirect: "error",
  });
  if (response.status !== 200 || response.body === null) {
    const { status } = response;
    const reason =
      status >= 400 && response.body !== null ? await reasonOf(chunksOf(response.body, signal)) : undefined;
    const refusal = { status, reason, retryAfter: retryAfterOf(response.headers) };
    throw new ExchangeError(`The service answered ${status}`, refusal);
  }
  return { headers: response.headers, body: chunksOf(response.body, signal) };
}

/** Longest body of a refusal that is read, in bytes. */
const MAX_REFUSAL = 64 * 1024;

/** The reason in the body of a refusal. What stands between here and the service may refuse in words of its own. */
async function reasonOf(body: AsyncIterable<Uint8Array>): Promise<Reason | undefined> {
  try {
    const { error }: { error?: unknown } = JSON.parse(await readText(body, MAX_REFUSAL)) ?? {};
    return reasonIn(error);
  } catch {
    return undefined;
  }
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

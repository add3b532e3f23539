import { failureCode } from "../../store/failure-code.ts";
import type { Milliseconds } from "../../time.ts";
import { readText } from "../../verifier/source/http-client.ts";
import { connectionError } from "../service-url.ts";
import type { Answer } from "./assess-server.ts";

const MAX_BYTES = 64 * 1024;

/** Requests a document of the service at `base`, without redirects and caches. Never rejects. */
export async function get(base: string, path: string, limitMs: Milliseconds): Promise<Answer> {
  const url = base.replace(/\/+$/, "");
  const signal = AbortSignal.timeout(limitMs);
  try {
    const response = await fetch(`${url}${path}`, {
      headers: { "cache-control": "no-cache", connection: "close" },
      redirect: "manual",
      signal,
    });
    const body = response.body === null ? "" : await readText(response.body, MAX_BYTES);
    const date = Date.parse(response.headers.get("date") ?? "");
    return { status: response.status, body, date: Number.isNaN(date) ? undefined : date };
  } catch (error) {
    const fault = signal.aborted
      ? `The service at ${url} does not answer within ${limitMs / 1000} s: check that it runs, and the network`
      : (connectionError(error, url) ?? `The service at ${url} gives no valid answer: check the URL`);
    return { fault, isRefused: failureCode(error) === "ECONNREFUSED" };
  }
}

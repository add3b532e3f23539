import { type ExchangeOptions, type FetchFailure, failed, guardedExchange } from "./guarded-exchange.ts";

/** Statuses that acknowledge a form. 204 as well: OpenID Connect Back-Channel Logout 1.0 §2.8. */
const ACKNOWLEDGED: ReadonlySet<number | undefined> = new Set([200, 204]);

/** Sends a form by POST. `signal` ends it, as a timeout does. Never rejects. */
export type FormSender = (
  url: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<{ outcome: "sent" } | FetchFailure>;

/**
 * Makes the function that calls URLs of clients; see `guardedExchange`. Reads no body of a response. Not limited: the number
 * of concurrent calls.
 */
export function createFormSender(options: Omit<ExchangeOptions, "timeoutMs">): FormSender {
  return (url, form, signal) =>
    guardedExchange(options, {
      url,
      form: new URLSearchParams(form).toString(),
      signal,
      read: async ({ statusCode }) =>
        ACKNOWLEDGED.has(statusCode) ? { outcome: "sent" } : failed("status", String(statusCode)),
    });
}

import { catalogue, MintmarkError } from "../errors.ts";
import type { Seconds } from "../time.ts";
import { NO_STORE, type PageAnswer } from "./answers.ts";
import type { ErrorReason, Page } from "./page.ts";

export function pageAnswer(page: Page, status = 200): PageAnswer {
  return { status, headers: NO_STORE, page };
}

/** The page for a person when it cannot go on: the status is the server's, never a redirect (P1). */
export function errorPage(
  reason: ErrorReason,
  { status = 400, retryAfter }: { status?: number; retryAfter?: Seconds | undefined } = {},
): PageAnswer {
  const answer = pageAnswer({ name: "error", reason }, status);
  return retryAfter === undefined ? answer : { ...answer, headers: { ...NO_STORE, "retry-after": String(retryAfter) } };
}

/** `Retry-After` where the error has none. */
const RETRY_AFTER: Seconds = 1;

/** The page for an error of the catalogue, and for any other, which is the server's. */
export function thrownPage(thrown: unknown): PageAnswer {
  const error = thrown instanceof MintmarkError ? thrown : new MintmarkError("internal_error", { cause: thrown });
  const { status } = catalogue[error.reason];
  const mayRetry = status === 429 || status === 503;
  const retryAfter = mayRetry ? (error.retryAfter ?? RETRY_AFTER) : undefined;
  return { ...errorPage(reasonOf(status), { status, retryAfter }), ...(status >= 500 && { failure: thrown }) };
}

function reasonOf(status: number): ErrorReason {
  if (status === 429) return "rate_limited";
  if (status === 503) return "unavailable";
  return status < 500 ? "invalid_request" : "internal_error";
}

/** Why a call failed that something else than a token service answered: a page, a proxy, a redirect. */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  /** Its body is not read. */
  readonly response: Response;

  constructor(response: Response) {
    super(`The answer is of no token service: status ${response.status}`);
    this.response = response;
  }
}

/**
 * Calls by the global `fetch`, and rejects with a {@link ForeignAnswerError} for an answer that is no JSON. Redirects are
 * not followed: a call could become a GET without its input, and give a token about the client itself, not about a subject.
 */
export async function fetchJson(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 0 && /^application\/json\b/i.test(type) && !isRedirect(response)) return response;
  await response.body?.cancel();
  throw new ForeignAnswerError(response);
}

function isRedirect({ status }: Response): boolean {
  return status >= 300 && status < 400;
}

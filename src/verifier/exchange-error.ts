import type { Seconds } from "../time.ts";

/** Why nothing was learned from the service. The message is one line and quotes nothing that was received or sent. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  /** The HTTP status of the refusal, if it was one. */
  readonly status: number | undefined;
  /** When to try again, in seconds from now. */
  readonly retryAfter: Seconds | undefined;

  constructor(message: string, refusal: { status?: number | undefined; retryAfter?: Seconds | undefined } = {}) {
    super(message);
    this.status = refusal.status;
    this.retryAfter = refusal.retryAfter;
  }
}

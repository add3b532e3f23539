import { catalogue, type Reason } from "../../errors.ts";
import type { Seconds } from "../../time.ts";

type ErrorDetails = {
  status?: number | undefined;
  reason?: Reason | undefined;
  retryAfter?: Seconds | undefined;
};

/** Why nothing was learned from the service. The message is one line and quotes nothing that was received or sent. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  /** The HTTP status of the refusal, if it was one. */
  readonly status: number | undefined;
  /** Why the service refused, where it said so in a word of the catalogue. */
  readonly reason: Reason | undefined;
  /** When to try again, in seconds from now. */
  readonly retryAfter: Seconds | undefined;

  constructor(message: string, { status, reason, retryAfter }: ErrorDetails = {}) {
    super(reason === undefined ? message : `${message} (${reason})${REMEDIES[reason] ?? ""}`);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** Whether the service will refuse again until an operator acts. */
  get isLasting(): boolean {
    return this.reason !== undefined && Object.hasOwn(REMEDIES, this.reason);
  }
}

const REMEDIES: Partial<Record<Reason, string>> = {
  invalid_client: ": give `credentials` of a client that it knows",
  permission_denied: ": its client needs the permission follow_events",
  forbidden_origin: ": access is open there, and so to programs of its own machine only",
};

/** The reason in an error as tRPC sends it, if it is one of the catalogue. */
export function reasonIn(shape: unknown): Reason | undefined {
  const { data } = (shape ?? {}) as { data?: { reason?: unknown } | null };
  const reason = data?.reason;
  return typeof reason === "string" && Object.hasOwn(catalogue, reason) ? (reason as Reason) : undefined;
}

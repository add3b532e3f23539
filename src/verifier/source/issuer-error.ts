import { catalogue, type Reason } from "../../errors.ts";
import type { Seconds } from "../../time.ts";

type ErrorDetails = {
  status?: number | undefined;
  reason?: Reason | undefined;
  retryAfter?: Seconds | undefined;
};

/** A failed exchange with the service. The message is one line and quotes nothing that was received or sent. */
export class IssuerError extends Error {
  override readonly name = "IssuerError";
  /** The HTTP status of a refusal. */
  readonly status: number | undefined;
  /** The reason of a refusal, if it is one of the catalogue. */
  readonly reason: Reason | undefined;
  /** The `Retry-After` of a refusal. */
  readonly retryAfter: Seconds | undefined;

  constructor(message: string, { status, reason, retryAfter }: ErrorDetails = {}) {
    super(reason === undefined ? message : `${message} (${reason})${REMEDIES[reason] ?? ""}`);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** Whether a retry fails until an operator acts. */
  get isLasting(): boolean {
    return this.reason !== undefined && Object.hasOwn(REMEDIES, this.reason);
  }
}

const REMEDIES: Partial<Record<Reason, string>> = {
  invalid_client: ": set `credentials` to those of a registered client",
  permission_denied: ": the client needs the permission follow_events",
  forbidden_origin: ": its access is open, and so limited to programs on its own machine",
};

/** The reason in tRPC's error shape, if it is one of the catalogue. */
export function reasonIn(shape: unknown): Reason | undefined {
  const { data } = (shape ?? {}) as { data?: { reason?: unknown } | null };
  const reason = data?.reason;
  return typeof reason === "string" && Object.hasOwn(catalogue, reason) ? (reason as Reason) : undefined;
}

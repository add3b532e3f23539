import { MintmarkError, type Reason } from "../../errors.ts";

type RefusalDetails = {
  status: number;
  error?: string | undefined;
  wwwAuthenticate?: string | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
};

/** A refusal with its HTTP form (RFC 6750 §3). Contains nothing of the token. */
export class BearerRefusal extends MintmarkError {
  readonly status: number;
  /** The error code of OAuth. Absent where there were no credentials (RFC 6750 §3.1). */
  readonly error: string | undefined;
  readonly wwwAuthenticate: string | undefined;

  constructor(reason: Reason, { status, error, wwwAuthenticate, retryAfter, cause }: RefusalDetails) {
    const issues = cause instanceof MintmarkError ? cause.issues : [];
    super(reason, { cause, issues, ...(retryAfter !== undefined && { retryAfter }) });
    this.status = status;
    this.error = error;
    this.wwwAuthenticate = wwwAuthenticate;
  }
}

/** The HTTP response of a refusal. */
export function refusalParts(refusal: BearerRefusal): {
  status: number;
  headers: Record<string, string>;
  body: string;
} {
  const { status, error, reason, message, issues } = refusal;
  const headers = { "content-type": "application/json", ...refusalHeaders(refusal) };
  return {
    status,
    headers,
    body: JSON.stringify({ error, error_description: message, reason, ...(issues.length > 0 && { issues }) }),
  };
}

export function refusalResponse(refusal: BearerRefusal): Response {
  const { status, headers, body } = refusalParts(refusal);
  return new Response(body, { status, headers });
}

/** The header fields of a refusal, for a response with another body. */
export function refusalHeaders({ wwwAuthenticate, retryAfter }: BearerRefusal): Record<string, string> {
  return {
    "cache-control": "no-store",
    ...(wwwAuthenticate !== undefined && { "www-authenticate": wwwAuthenticate }),
    ...(retryAfter !== undefined && { "retry-after": String(Math.ceil(retryAfter)) }),
  };
}

import type { AuditRecord } from "../../store/audit.ts";
import type { AuthorizationError } from "./parameters.ts";
import type { PendingRequest, Receiver } from "./pending.ts";
import type { Asked } from "./requests.ts";
import type { RefusedReason, Step } from "./step.ts";

/** Ends a request by an error: forgets it, with the audit record of the act that ended it, if any. */
export type Fail = (asked: Asked, error: AuthorizationError, record?: AuditRecord) => Promise<Step>;

export function refused(reason: RefusedReason): Step {
  return { step: "refused", reason };
}

/** The answer to a client, with `state` as received and `iss` once (RFC 9207 §2). */
export function answerTo(
  { redirectUri, responseMode, state }: Receiver,
  { issuer, ...answer }: { issuer: string; code: string } | ({ issuer: string } & AuthorizationError),
): Step {
  const parameters = {
    ...("code" in answer ? { code: answer.code } : { error: answer.error, error_description: answer.description }),
    ...(state !== undefined && { state }),
    iss: issuer,
  };
  return { step: "redirect", redirectUri, responseMode, parameters };
}

/** Answers an error to the client. A device learns it when it asks next. */
export function errorTo({ target }: PendingRequest, error: AuthorizationError & { issuer: string }): Step {
  return target.kind === "device" ? { step: "device_done", allowed: false } : answerTo(target, error);
}

/** The errors that depend on the person (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
export const ERRORS = {
  loginRequired: { error: "login_required", description: "The person has to sign in." },
  consentRequired: { error: "consent_required", description: "The person has to agree." },
  denied: { error: "access_denied", description: "The person did not agree." },
  notAllowed: { error: "access_denied", description: "The person may grant none of these scopes." },
  signInRefused: { error: "access_denied", description: "The sign-in was refused." },
} as const satisfies Record<string, AuthorizationError>;

import type { ConsentStep, RefusedReason } from "../service/authorization/step.ts";

/** Why a page says that it cannot go on. */
export type ErrorReason =
  | RefusedReason
  | "sign_in_failed"
  | "sign_in_unavailable"
  /** The server has no sign-in method. */
  | "no_sign_in_method"
  | "internal_error"
  /** The database is away, or the server stops. */
  | "unavailable";

/** A page for the person, as data. The HTTP server makes HTML of it. Texts are of other parties: nothing is escaped. */
export type Page =
  | SignInPage
  | ConsentPage
  | FormPostPage
  | DeviceCodePage
  | { name: "device-done"; allowed: boolean }
  | LogOutPage
  | { name: "signed-out" }
  | { name: "error"; reason: ErrorReason; requestId?: string | undefined };

/** The sign-in page of development. Sends `handle`, `token`, `subject` and `claims` to `/oauth/continue`. */
export type SignInPage = {
  name: "sign-in";
  handle: string;
  token: string;
  /** The name of the client. */
  client: string;
  /** What the field of the subject has at first: the login hint, or what was entered. */
  loginHint?: string | undefined;
  /** What the field of the claims has at first: a JSON object as text. Absent: there is no such field. */
  claims?: string | undefined;
  /** What was wrong with the entered values. `detail` is a sentence for developers, in English. */
  problem?: { field: "subject" | "claims"; detail?: string | undefined } | undefined;
};

/** Sends `handle`, `token` and `decision` (`allow`, `deny`, or `switch` for another account) to `/oauth/continue`. */
export type ConsentPage = Omit<ConsentStep, "step" | "url"> & {
  name: "consent";
  /** Whether the person can use another account. Default false. */
  canSwitch?: boolean | undefined;
};

/** Sends the answer to the client by a form (OAuth 2.0 Form Post Response Mode). `action` is the proven redirect URI. */
export type FormPostPage = { name: "form-post"; action: string; parameters: Readonly<Record<string, string>> };

/** Sends `token` and `user_code` to `/device` (RFC 8628 §3.3). */
export type DeviceCodePage = {
  name: "device-code";
  token: string;
  userCode?: string | undefined;
  problem?: "unknown" | "taken" | "too_many" | undefined;
};

/** Sends `token` and the parameters to `/oauth/logout`. */
export type LogOutPage = {
  name: "log-out";
  token: string;
  parameters: Readonly<Record<string, string>>;
  /** The name of the client that sent the person. */
  client?: string | undefined;
};

import type { Insertable, Selectable } from "kysely";
import type { AuthorizationCode, AuthorizationRequest, DeviceRequest } from "../authorization.ts";
import type { Consent, ListedConsent, ListedSignIn, SignIn, SignInRenewal } from "../sign-in.ts";
import type { PeopleSchema } from "./people-schema.ts";

type Row<Table extends keyof PeopleSchema> = Selectable<PeopleSchema[Table]>;
type NewRow<Table extends keyof PeopleSchema> = Insertable<PeopleSchema[Table]>;

/** Without the members that are null. */
function present<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Partial<Fields> as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}

export function toSignInRow({ sid, subject, createdAt, ...signIn }: SignIn): NewRow<"sign_ins"> {
  return { sid, subject, created_at: createdAt, ...toRenewedColumns(signIn) };
}

export function toRenewedColumns(change: SignInRenewal) {
  return {
    hash: change.hash,
    claims: JSON.stringify(change.claims),
    profile: JSON.stringify(change.profile),
    scope: change.scope ?? null,
    auth_time: change.authTime,
    expires_at: change.expiresAt,
  };
}

export function fromSignInRow(row: Row<"sign_ins">): SignIn {
  const { hash, claims, profile, scope } = row;
  const data = { hash, claims: JSON.parse(claims), profile: JSON.parse(profile), ...present({ scope }) };
  return { ...fromListedSignInRow(row), ...data };
}

type ListedRow = Pick<Row<"sign_ins">, "sid" | "subject" | "auth_time" | "created_at" | "expires_at">;

export function fromListedSignInRow(row: ListedRow): ListedSignIn {
  const { sid, subject, auth_time: authTime, created_at: createdAt, expires_at: expiresAt } = row;
  return { sid, subject, authTime, createdAt, expiresAt };
}

export function toRequestRow(request: AuthorizationRequest): NewRow<"authorization_requests"> {
  return {
    handle: request.handle,
    browser: request.browser,
    client_id: request.clientId,
    target: JSON.stringify(request.target),
    audience: JSON.stringify(request.audience),
    scope: request.scope ?? null,
    prompt: JSON.stringify(request.prompt),
    max_age: request.maxAge ?? null,
    login_hint: request.loginHint ?? null,
    started_at: request.startedAt,
    expires_at: request.expiresAt,
    person: toPerson(request.person),
  };
}

export function toPerson(person: AuthorizationRequest["person"]): string | null {
  return person === undefined ? null : JSON.stringify(person);
}

export function fromRequestRow(row: Row<"authorization_requests">): AuthorizationRequest {
  return {
    handle: row.handle,
    browser: row.browser,
    clientId: row.client_id,
    target: JSON.parse(row.target),
    audience: JSON.parse(row.audience),
    prompt: JSON.parse(row.prompt),
    startedAt: row.started_at,
    expiresAt: row.expires_at,
    ...present({ scope: row.scope, maxAge: row.max_age, loginHint: row.login_hint }),
    ...(row.person !== null && { person: JSON.parse(row.person) }),
  };
}

/** A code that was not used is deleted when it expires. */
export function toCodeRow(code: AuthorizationCode): NewRow<"authorization_codes"> {
  return {
    hash: code.hash,
    client_id: code.clientId,
    sid: code.sid,
    subject: code.subject,
    auth_time: code.authTime,
    claims: JSON.stringify(code.claims),
    profile: JSON.stringify(code.profile),
    audience: JSON.stringify(code.audience),
    scope: code.scope ?? null,
    nonce: code.nonce ?? null,
    redirect_uri: code.redirectUri ?? null,
    challenge: code.challenge ?? null,
    created_at: code.createdAt,
    expires_at: code.expiresAt,
    until: code.expiresAt,
    grant_sid: code.grantSid ?? null,
  };
}

export function fromCodeRow(row: Row<"authorization_codes">): AuthorizationCode {
  const { scope, nonce, challenge, redirect_uri: redirectUri, grant_sid: grantSid } = row;
  return {
    hash: row.hash,
    clientId: row.client_id,
    sid: row.sid,
    subject: row.subject,
    authTime: row.auth_time,
    claims: JSON.parse(row.claims),
    profile: JSON.parse(row.profile),
    audience: JSON.parse(row.audience),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...present({ scope, nonce, challenge, redirectUri, grantSid }),
  };
}

export function toConsentRow({ clientId, scopes, ...consent }: Consent): NewRow<"sign_in_consents"> {
  return { ...consent, client_id: clientId, scopes: JSON.stringify(scopes) };
}

export function fromConsentRow({ subject, client_id, host, audience, scopes, at }: Row<"sign_in_consents">): Consent {
  return { subject, clientId: client_id, host, audience, scopes: JSON.parse(scopes), at };
}

export function fromListedConsentRow(row: Row<"sign_in_consents"> & { client_name: string | null }): ListedConsent {
  return { ...fromConsentRow(row), ...present({ clientName: row.client_name }) };
}

export function toDeviceRow(request: DeviceRequest): NewRow<"device_requests"> {
  return {
    hash: request.hash,
    user_code: request.userCode,
    client_id: request.clientId,
    audience: JSON.stringify(request.audience),
    scope: request.scope ?? null,
    created_at: request.createdAt,
    expires_at: request.expiresAt,
    browser: request.browser ?? null,
    denied: request.denied ? 1 : 0,
    polled_at: request.polledAt ?? null,
    poll_interval: request.interval,
    too_soon: 0,
  };
}

export function fromDeviceRow(row: Row<"device_requests">): DeviceRequest {
  return {
    hash: row.hash,
    userCode: row.user_code,
    clientId: row.client_id,
    audience: JSON.parse(row.audience),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    denied: row.denied === 1,
    interval: row.poll_interval,
    ...present({ scope: row.scope, browser: row.browser, polledAt: row.polled_at }),
  };
}

import { generateKeyPair, type NewKey, type StoredKey } from "../../src/keys/key-pair.ts";
import type { AuditRecord } from "../../src/store/audit.ts";
import type { AuthorizationCode, AuthorizationRequest, DeviceRequest } from "../../src/store/authorization.ts";
import { type Client, type IntroducedClient, MACHINE_CLIENT } from "../../src/store/client.ts";
import type { Grant, RefreshRotation } from "../../src/store/grant.ts";
import type { Resource } from "../../src/store/resource.ts";
import type { Consent, SignIn } from "../../src/store/sign-in.ts";
import type { CodeChange, Redemption } from "../../src/store/sign-in-store.ts";
import { NOW } from "../support/service.ts";

let made = 0;

/** A unique name. Later ones sort after earlier ones. */
export function unique(prefix = ""): string {
  made += 1;
  return `${prefix}${String(made).padStart(9, "0")}`;
}

export function aRecord(fields: Partial<AuditRecord> = {}): AuditRecord {
  return { id: unique(), at: NOW, action: "test", outcome: "allowed", ...fields };
}

/** Records in the order of their creation. */
export function records(count: number, fields: Partial<AuditRecord> = {}): AuditRecord[] {
  return Array.from({ length: count }, () => aRecord(fields));
}

export function aClient(fields: Partial<Client> = {}): Client {
  return {
    clientId: unique("client-"),
    name: "reporting",
    permissions: ["issue", "verify"],
    scopes: ["read", "write"],
    audiences: ["*"],
    anySubject: true,
    ...MACHINE_CLIENT,
    createdAt: NOW,
    secrets: [aSecret()],
    ...fields,
  };
}

/** A client that introduced itself. */
export function anIntroducedClient(fields: Partial<IntroducedClient> = {}): IntroducedClient {
  return {
    clientId: unique("https://app.example/clients/"),
    name: "app.example",
    permissions: [],
    scopes: ["*"],
    audiences: [],
    anySubject: false,
    authMethod: "none",
    grants: ["authorization_code", "refresh_token"],
    redirectUris: ["http://127.0.0.1/callback"],
    createdAt: NOW,
    secrets: [],
    introduced: "document",
    documentFreshUntil: NOW + 300,
    ...fields,
  };
}

export function aSecret() {
  return { hash: unique("hash-"), createdAt: NOW };
}

export function aResource(fields: Partial<Resource> = {}): Resource {
  return {
    audience: `https://api.example/${unique()}`,
    name: "API",
    scopes: { "tools:read": "Read your tools", "tools:run": "Run your tools" },
    open: false,
    createdAt: NOW,
    ...fields,
  };
}

export function aKey(fields: Partial<NewKey> = {}): Promise<StoredKey> {
  return generateKeyPair({ alg: "ES256", createdAt: NOW, activatesAt: NOW, follows: "", ...fields });
}

export function aGrant(fields: Partial<Grant> = {}): Grant {
  return {
    sid: unique("sid-"),
    clientId: unique("client-"),
    subject: unique("subject-"),
    audience: "orders",
    scope: "read write",
    claims: { role: "reader" },
    ttl: 900,
    seed: unique("seed-"),
    createdAt: NOW,
    expiresAt: NOW + 1000,
    idleUntil: NOW + 100,
    ...fields,
  };
}

export function aRotation(hash: string, fields: Partial<RefreshRotation> = {}): RefreshRotation {
  return { hash, next: `${hash}+`, now: NOW, idleUntil: NOW + 100, replayWindow: 10, server: "one", ...fields };
}

export function aSignIn(fields: Partial<SignIn> = {}): SignIn {
  return {
    sid: unique("sign-in-"),
    hash: unique("hash-"),
    subject: unique("subject-"),
    claims: { role: "reader" },
    profile: { name: "Ada", email: "ada@example.com", address: { country: "GB" } },
    scope: "read write",
    authTime: NOW - 5,
    createdAt: NOW,
    expiresAt: NOW + 1000,
    ...fields,
  };
}

export function aRequest(fields: Partial<AuthorizationRequest> = {}): AuthorizationRequest {
  return {
    handle: unique("handle-"),
    browser: unique("browser-"),
    clientId: unique("client-"),
    target: {
      kind: "redirect",
      redirectUri: "https://app.example/callback?a=b",
      responseMode: "form_post",
      state: "state",
      nonce: "nonce",
      challenge: "challenge",
    },
    audience: "orders",
    scope: "read",
    prompt: { none: false, login: true, consent: false },
    maxAge: 60,
    loginHint: "ada@example.com",
    startedAt: NOW,
    expiresAt: NOW + 600,
    ...fields,
  };
}

export function aCode(signIn: Pick<SignIn, "sid" | "subject">, fields: Partial<AuthorizationCode> = {}) {
  return {
    hash: unique("code-"),
    clientId: unique("client-"),
    sid: signIn.sid,
    subject: signIn.subject,
    authTime: NOW - 5,
    claims: { role: "reader" },
    profile: { name: "Ada" },
    audience: ["orders", "payments"],
    scope: "openid read",
    nonce: "nonce",
    redirectUri: "https://app.example/callback",
    challenge: "challenge",
    createdAt: NOW,
    expiresAt: NOW + 60,
    ...fields,
  } satisfies AuthorizationCode;
}

export function aConsent(of: { subject: string; clientId: string }, fields: Partial<Consent> = {}): Consent {
  const { subject, clientId } = of;
  return { subject, clientId, host: "app.example", audience: "orders", scopes: ["openid", "read"], at: NOW, ...fields };
}

export function aDeviceRequest(fields: Partial<DeviceRequest> = {}): DeviceRequest {
  return {
    hash: unique("device-"),
    userCode: unique("user-code-"),
    clientId: unique("client-"),
    audience: "orders",
    scope: "read",
    createdAt: NOW,
    expiresAt: NOW + 600,
    denied: false,
    interval: 5,
    ...fields,
  };
}

/** The exchange of a code for a grant with a refresh token. */
export function aRedemption(
  code: AuthorizationCode,
  { grant, ...fields }: Omit<Partial<Redemption>, "grant"> & { grant?: Partial<Grant> } = {},
): Redemption {
  const { sid: signIn, clientId, subject, audience } = code;
  return {
    grant: aGrant({ signIn, clientId, subject, audience, ...grant }),
    refreshHash: unique("hash-"),
    sequence: Number.MAX_SAFE_INTEGER,
    until: NOW + 1000,
    notify: false,
    ...fields,
  };
}

/** Nothing to agree to, and no request. */
export const FREE: CodeChange = { sequence: Number.MAX_SAFE_INTEGER, consents: [], agrees: false };

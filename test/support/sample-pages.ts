import type { Page } from "../../src/oauth/page.ts";

const consent = {
  name: "consent",
  handle: "h4ndl3",
  token: "t0k3n",
  subject: "ada",
  client: { clientId: "notes", name: "Acme Notes" },
  host: "notes.example",
  resources: [{ audience: "https://api.example/orders", name: "Orders" }],
  scopes: [
    { name: "openid" },
    { name: "email" },
    { name: "offline_access" },
    { name: "orders:read", description: "Read your orders" },
    { name: "orders:write" },
  ],
  canSwitch: true,
} satisfies Page;

const signIn = { name: "sign-in", handle: "h4ndl3", token: "t0k3n", client: "Acme Notes" } satisfies Page;

const WIDE = "Donaudampfschifffahrtsgesellschaft".repeat(8).slice(0, 255);

/** A page of each kind, and those that differ from it in what is on them. */
export const samplePages = {
  "sign-in": { ...signIn, loginHint: "ada" },
  "sign-in-claims": { ...signIn, claims: '{\n  "role": "reader"\n}' },
  "sign-in-problem": {
    ...signIn,
    loginHint: "ada",
    claims: '{ "role": "king" }',
    problem: { field: "claims", detail: "role must be one of reader, writer." },
  },
  consent,
  "consent-least": { ...consent, host: "127.0.0.1:8976", resources: [], scopes: [], canSwitch: false },
  "consent-device": { ...consent, host: "device:", scopes: [{ name: "openid" }], resources: [] },
  "consent-document": {
    ...consent,
    client: {
      clientId: "https://evil.example/client.json",
      name: "Claude",
      introduced: "document",
      origin: "evil.example",
    },
    host: "localhost",
    resources: [{ audience: "https://mcp.example/mcp", name: "Acme Notes" }],
    scopes: [{ name: "tools:read", description: "Read your notes" }, { name: "offline_access" }],
  },
  "consent-registered": {
    ...consent,
    client: { clientId: "0f8e2f6a-6f3c-4d39-9d4b-3a8f0c1d2e3f", name: "Claude", introduced: "registration" },
    host: "127.0.0.1",
  },
  "consent-long": {
    ...consent,
    client: { clientId: "long", name: WIDE },
    subject: `${"a".repeat(250)}@x.y`,
    host: `${"label-of-a-host.".repeat(15)}example`,
    resources: [{ audience: `https://api.example/${"path".repeat(50)}`, name: WIDE }],
    scopes: [{ name: "scope".repeat(40) }, { name: "other", description: WIDE }],
  },
  "consent-hostile": {
    ...consent,
    client: { clientId: "evil", name: "<script>alert(1)</script> Acme\u202e setoN  \u200bX\u00a0" },
    subject: "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301da",
    scopes: [{ name: "orders:read", description: "</li><b>Read</b>" }],
  },
  "form-post": {
    name: "form-post",
    action: "https://notes.example/callback",
    parameters: { code: "c0de", state: "s" },
  },
  "device-code": { name: "device-code", token: "t0k3n" },
  "device-code-given": { name: "device-code", token: "t0k3n", userCode: "BCDF-GHJK" },
  "device-code-problem": { name: "device-code", token: "t0k3n", userCode: "BCDF-GHJK", problem: "unknown" },
  "device-done": { name: "device-done", allowed: true },
  "device-denied": { name: "device-done", allowed: false },
  "log-out": { name: "log-out", token: "t0k3n", parameters: { state: "s" }, client: "Acme Notes" },
  "signed-out": { name: "signed-out" },
  error: { name: "error", reason: "unknown_redirect_uri" },
  "error-internal": { name: "error", reason: "internal_error", requestId: "3f0c8e9a-7d0b-4a57-9f29-0d2cf3a5a1b7" },
} satisfies Record<string, Page>;

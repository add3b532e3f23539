import { generateKeyPair, type NewKey, type StoredKey } from "../../src/keys/key-pair.ts";
import type { AuditRecord } from "../../src/store/audit.ts";
import { type Client, MACHINE_CLIENT } from "../../src/store/client.ts";
import type { Grant, RefreshRotation } from "../../src/store/grant.ts";
import type { Resource } from "../../src/store/resource.ts";
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

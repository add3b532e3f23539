import type { Insertable, Selectable } from "kysely";
import type { AuditRecord, NamedRecord } from "../audit.ts";
import type { Schema } from "./schema.ts";

export function toAuditRow(record: AuditRecord): Insertable<Schema["audit"]> {
  return {
    id: record.id,
    at: record.at,
    client_id: record.clientId ?? null,
    action: record.action,
    outcome: record.outcome,
    reason: record.reason ?? null,
    subject: record.subject ?? null,
    jti: record.jti ?? null,
    kid: record.kid ?? null,
    target: record.target ?? null,
    address: record.address ?? null,
    count: record.count ?? null,
    expires_at: record.expiresAt ?? null,
    fields: record.fields === undefined ? null : record.fields.join(","),
  };
}

/** A row of the audit log with the name of its client. */
type NamedRow = Selectable<Schema["audit"]> & { client_name: string | null };

export function fromNamedRow({ client_id, client_name, expires_at, fields, ...row }: NamedRow): NamedRecord {
  const named = { clientId: client_id, clientName: client_name, expiresAt: expires_at };
  const present = Object.entries({ ...row, ...named, fields: fields?.split(",") ?? null }).filter(
    ([, value]) => value !== null,
  );
  return Object.fromEntries(present) as unknown as NamedRecord;
}

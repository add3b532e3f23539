import type { ClientFields } from "../../store/client.ts";

/** The fields to change. `maxTtl: null` removes the limit. */
export type FieldChange = {
  [Field in keyof ClientFields]?: ClientFields[Field] | (Field extends "maxTtl" ? null : never) | undefined;
};

/** The fields of a client after a change. */
export function fieldsAfter(client: ClientFields, { maxTtl = client.maxTtl, ...change }: FieldChange): ClientFields {
  return {
    name: change.name ?? client.name,
    permissions: change.permissions ?? client.permissions,
    scopes: change.scopes ?? client.scopes,
    audiences: change.audiences ?? client.audiences,
    anySubject: change.anySubject ?? client.anySubject,
    maxTtl: maxTtl ?? undefined,
  };
}

const FIELDS = ["name", "permissions", "scopes", "audiences", "anySubject", "maxTtl"] as const;

/** The names of the given fields, without those that have the same value already. */
export function changedFields(change: FieldChange, client: ClientFields | undefined): string[] {
  const textOf = (value: unknown) => JSON.stringify(value ?? null);
  return FIELDS.filter((field) => change[field] !== undefined && textOf(change[field]) !== textOf(client?.[field]));
}

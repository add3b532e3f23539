import { type ClientFields, fieldsOf } from "../../store/client.ts";

/** The optional fields, which `null` removes. */
type Optional = "maxTtl" | "jwks" | "jwksUri" | "backchannelLogoutUri";

/** The fields to change. How a client authenticates is settled when it is added. */
export type FieldChange = {
  [Field in Exclude<keyof ClientFields, "authMethod">]?:
    | ClientFields[Field]
    | (Field extends Optional ? null : never)
    | undefined;
};

/** The fields of a client after a change. `jwks` replaces `jwksUri`, and the other way round. `authMethod` stays. */
export function fieldsAfter(client: ClientFields, change: FieldChange): ClientFields {
  const isSet = (field: "jwks" | "jwksUri") => change[field] !== undefined && change[field] !== null;
  const replaced = { ...(isSet("jwks") && { jwksUri: undefined }), ...(isSet("jwksUri") && { jwks: undefined }) };
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const changed = Object.fromEntries(given.map(([field, value]) => [field, value ?? undefined]));
  return fieldsOf({ ...client, ...replaced, ...changed, authMethod: client.authMethod });
}

/** The names of the given fields, without those that have the same value already. */
export function changedFields(change: FieldChange, client: ClientFields | undefined): string[] {
  const textOf = (value: unknown) => JSON.stringify(value ?? null);
  const given = Object.keys(change) as (keyof FieldChange)[];
  return given.filter((field) => change[field] !== undefined && textOf(change[field]) !== textOf(client?.[field]));
}

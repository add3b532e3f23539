import { type Issue, MintmarkError } from "../../errors.ts";
import { keySetFault, publicMembersOf } from "../../keys/foreign-keys.ts";
import {
  type AuthMethod,
  type ClientFields,
  type ClientMetadata,
  type ClientRights,
  fieldsOf,
  type GrantType,
  grantTypes,
} from "../../store/client.ts";
import { calledUrlFault, redirectUriFault } from "./redirect-uri.ts";

/** The fields of a new client. */
export type NewClient = ClientRights & { name: string } & Omit<ClientMetadata, "authMethod" | "grants"> & {
    /** Default: `private_key_jwt` with `jwks` or `jwksUri`, else `client_secret_basic`. */
    authMethod?: AuthMethod | undefined;
  };

/**
 * The fields of a new client with their defaults. Without `grants`: code and refresh token where it has redirect URIs, and
 * client credentials where it may issue; for a machine client, client credentials and refresh token. Never the device code.
 */
export function completeFields(fields: NewClient): ClientFields {
  const hasKeys = fields.jwks !== undefined || fields.jwksUri !== undefined;
  const { authMethod = hasKeys ? "private_key_jwt" : "client_secret_basic" } = fields;
  const isWeb = (fields.redirectUris ?? []).length > 0;
  const isMachine = !isWeb || fields.permissions.some((permission) => permission === "issue" || permission === "admin");
  const byDefault = {
    authorization_code: isWeb,
    client_credentials: isMachine && authMethod !== "none",
    device_code: false,
    refresh_token: true,
  } satisfies Record<GrantType, boolean>;
  const grants = fields.grants ?? grantTypes.filter((grant) => byDefault[grant]);
  return fieldsOf({ ...fields, authMethod, grants });
}

/** The fields as stored: of keys, the public members alone. Throws `invalid_request` for the first rule that they break. */
export async function validatedFields(fields: ClientFields, access: { isOpen: boolean }): Promise<ClientFields> {
  const { jwks } = fields;
  const fault = jwks && (await keySetFault(jwks));
  const violation = metadataViolation(fields, access) ?? (fault && { path: "jwks", message: fault });
  if (violation) throw new MintmarkError("invalid_request", { issues: [violation] });
  return jwks === undefined ? fields : { ...fields, jwks: publicMembersOf(jwks) };
}

/** The first rule of RFC 7591 §2, RFC 6749 and RFC 8252 that the fields of a client break, if any. */
function metadataViolation(fields: ClientFields, { isOpen }: { isOpen: boolean }): Issue | undefined {
  const { authMethod, grants, permissions, jwks, jwksUri, backchannelLogoutUri } = fields;
  const issue = (path: string, message: string): Issue => ({ path, message });
  if (authMethod === "none" && permissions.length > 0)
    return issue("permissions", "cannot be given to a public client");
  if (authMethod === "none" && grants.includes("client_credentials"))
    return issue("grants", "cannot have client_credentials for a public client (RFC 6749 §4.4)");
  const keys = [jwks, jwksUri].filter((each) => each !== undefined).length;
  if (authMethod === "private_key_jwt" && keys !== 1) return issue("jwks", "or jwksUri is needed: one of them");
  if (authMethod !== "private_key_jwt" && keys > 0) return issue("authMethod", "must be private_key_jwt for keys");
  const [redirectUris, logoutUris] = [fields.redirectUris ?? [], fields.postLogoutRedirectUris ?? []];
  // Another program on the machine can receive what is sent there, and needs no secret (RFC 8252 §8.6).
  if (authMethod === "none" && fields.firstParty && !redirectUris.every((uri) => uri.startsWith("https:")))
    return issue("firstParty", "cannot be set for a public client with redirect URIs other than https");
  if (grants.includes("authorization_code") !== redirectUris.length > 0)
    return issue("redirectUris", "and the grant authorization_code need each other");
  const called = { jwksUri, backchannelLogoutUri };
  const faults = [
    ...redirectUris.map((uri) => ["redirectUris", redirectUriFault(uri)] as const),
    ...logoutUris.map((uri) => ["postLogoutRedirectUris", redirectUriFault(uri)] as const),
    ...Object.entries(called).map(
      ([path, uri]) => [path, uri === undefined ? undefined : calledUrlFault(uri, { isOpen })] as const,
    ),
  ];
  for (const [path, fault] of faults) if (fault) return issue(path, fault);
  return undefined;
}

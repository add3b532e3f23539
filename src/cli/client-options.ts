import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type AuthMethod,
  authMethods,
  type ClientMetadata,
  type GrantType,
  grantTypes,
  type Permission,
  permissions,
} from "../store/client.ts";
import { type JsonObject, parseJsonObject } from "../token/json.ts";
import { wholeNumber } from "./text.ts";

type JwkSet = { keys: JsonObject[] };

export const PERMISSIONS = [
  "--permissions <list>",
  `separated by commas: ${permissions.join(", ")}`,
  permissionList,
] as const;
export const SCOPES = ["--scopes <list>", "scope tokens that it may request, separated by commas; * is any"] as const;
export const AUDIENCES = [
  "--audiences <list>",
  "audiences that it may request besides the default one, separated by commas; * is any",
] as const;
export const ANY_SUBJECT = ["--any-subject", "allow subjects other than the client itself"] as const;
export const MAX_TTL = ["--max-ttl <seconds>", "longest lifetime that it may request", wholeNumber] as const;

export type MetadataOptions = {
  grants?: GrantType[];
  redirectUri?: string[];
  postLogoutRedirectUri?: string[];
  firstParty?: boolean;
  jwks?: JwkSet;
  jwksUri?: string;
};

export type MethodOptions = { public?: boolean; authMethod?: AuthMethod };

/** Adds the options for metadata that can be changed. `none` is how to remove a list. */
export function addMetadataOptions(command: Command, none = ""): Command {
  return command
    .option("--grants <list>", `grant types, separated by commas: ${grantTypes.join(", ")}`, grantList)
    .option("--redirect-uri <uri>", `where people return to after their sign-in; repeat it for each URI${none}`, addUri)
    .option(
      "--post-logout-redirect-uri <uri>",
      `where people return to after logout; repeat it for each URI${none}`,
      addUri,
    )
    .option("--first-party", "ask people for no consent; only an administrator can set it")
    .addOption(new Option("--jwks <file>", "its public keys: a file with a JWK Set").argParser(jwkSetIn))
    .addOption(new Option("--jwks-uri <url>", "the https URL of its public keys").conflicts("jwks"))
    .option("--backchannel-logout-uri <url>", "the https URL that is called when a session ends");
}

/** Adds the options for what is settled when a client is added. */
export function addMethodOptions(command: Command): Command {
  const method = "how it authenticates; default: private_key_jwt with keys, else client_secret_basic";
  return command
    .option("--public", "for a program that cannot keep a secret: authenticate by client id alone")
    .addOption(new Option("--auth-method <method>", method).choices(authMethods).conflicts("public"));
}

/** The options for metadata as input of a procedure. */
export function metadataInput({ redirectUri, postLogoutRedirectUri, ...fields }: MetadataOptions) {
  return {
    ...fields,
    ...(redirectUri && { redirectUris: redirectUri }),
    ...(postLogoutRedirectUri && { postLogoutRedirectUris: postLogoutRedirectUri }),
  };
}

/** How a client without a secret authenticates, in words. */
export function authentication({ authMethod, jwks, jwksUri }: ClientMetadata): string {
  if (authMethod === "none") return "by its client id alone (none)";
  const count = jwks?.keys.length ?? 0;
  return `by ${jwksUri ?? (count === 1 ? "its key" : `one of its ${count} keys`)} (${authMethod})`;
}

/** Parses a list separated by commas. */
export function list(word: string): string[] {
  return word
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function permissionList(word: string): Permission[] {
  return listOf(permissions, word);
}

function grantList(word: string): GrantType[] {
  return listOf(grantTypes, word);
}

function listOf<Name extends string>(names: readonly Name[], word: string): Name[] {
  const given = list(word);
  const known = names.filter((name) => given.includes(name));
  if (given.length === 0 || known.length !== new Set(given).size)
    throw new InvalidArgumentError(`It must be of ${names.join(", ")}.`);
  return known;
}

/** Adds a URI to those before it. An empty one is none. */
function addUri(word: string, uris: readonly string[] = []): string[] {
  return word === "" ? [...uris] : [...uris, word];
}

/** Reads a JWK Set (RFC 7517 §5). Not checked: its keys. */
function jwkSetIn(file: string): JwkSet {
  const { keys } = contentOf(file) ?? {};
  if (!Array.isArray(keys) || !keys.every(isObject))
    throw new InvalidArgumentError('It must be a file with a JWK Set: {"keys": [...]}.');
  return { keys };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function contentOf(file: string): JsonObject | undefined {
  try {
    return parseJsonObject(readFileSync(file));
  } catch {
    return undefined;
  }
}

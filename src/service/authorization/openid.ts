import type { JsonObject } from "../../token/json.ts";
import type { Profile } from "./step.ts";

/** The standard claims of each scope (OIDC Core §5.4). */
const CLAIMS_OF_SCOPE = {
  profile: [
    ...["name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture"],
    ...["website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"],
  ],
  email: ["email", "email_verified"],
  phone: ["phone_number", "phone_number_verified"],
  address: ["address"],
} as const;

/** The standard claims that a person's profile may have. */
export const PROFILE_CLAIMS: readonly string[] = Object.values(CLAIMS_OF_SCOPE).flat();

/** The scope token of a refresh token (OIDC Core §11). */
export const OFFLINE_ACCESS = "offline_access";

/** The scope tokens of OpenID Connect. They belong to no resource, and every client that signs people in may request them. */
export const OPENID_SCOPES: readonly string[] = ["openid", ...Object.keys(CLAIMS_OF_SCOPE), OFFLINE_ACCESS];

const OPENID_SCOPE_SET: ReadonlySet<string> = new Set(OPENID_SCOPES);

export function hasScope(scope: string | undefined, token: string): boolean {
  return scope?.split(" ").includes(token) ?? false;
}

/** The scope tokens that are not of OpenID Connect, separated by spaces; `undefined` without any. */
export function resourceScope(scope: string | undefined): string | undefined {
  const tokens = scope?.split(" ").filter((token) => !OPENID_SCOPE_SET.has(token)) ?? [];
  return tokens.length === 0 ? undefined : tokens.join(" ");
}

/** What a client with these scopes receives of a profile. */
export function grantedProfile(profile: Profile, scope: string | undefined): JsonObject {
  const names = Object.entries(CLAIMS_OF_SCOPE).flatMap(([token, claims]) => (hasScope(scope, token) ? claims : []));
  return pick(profile, names);
}

/** The standard claims of a profile. Others, such as `sub` or `iss`, could replace claims of an `id_token`. */
export function standardClaims(profile: Profile): JsonObject {
  return pick(profile, PROFILE_CLAIMS);
}

function pick(profile: Profile, names: readonly string[]): JsonObject {
  const known = names.filter((name) => Object.hasOwn(profile, name) && profile[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, profile[name]])) as JsonObject;
}

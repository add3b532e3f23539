import * as z from "zod/mini";
import { type ClientFields, fieldsOf, type GrantType } from "../../store/client.ts";
import { identifier } from "../../token/claims.ts";
import { hasInvisible } from "../../token/invisible.ts";
import type { JsonObject } from "../../token/json.ts";
import { ANY } from "./client-policy.ts";
import { MAX_REDIRECT_URIS } from "./client-shape.ts";
import { redirectUriFault } from "./redirect-uri.ts";

/** What is wrong with a member of the metadata, as the end of a sentence. */
export type MetadataFault = { member: string; message: string };

/** The grant types that a client may ask for when it introduces itself. */
const GRANTS = ["authorization_code", "refresh_token"] as const satisfies readonly GrantType[];

/** Most clients of each kind that never received a token. The oldest ones go beyond it: strangers add them. */
export const MAX_UNUSED = 10_000;

/** Longest lists of names, most of which mean nothing here. */
const MAX_NAMES = 20;

const names = z.array(z.string()).check(z.maxLength(MAX_NAMES));
const uris = z
  .array(z.string())
  .check(z.minLength(1), z.maxLength(MAX_REDIRECT_URIS, `must have ${MAX_REDIRECT_URIS} URIs at most`));
const includes = (name: string) => z.refine<string[]>((given) => given.includes(name), `must include ${name}`);
/** Neither white space, nor a mark that joins another character, nor the blank of Braille. */
const SHOWN = /[^\s\p{Z}\p{M}\u2800]/u;
const visible = z.refine<string>((text) => !hasInvisible(text) && SHOWN.test(text), "must be visible");

/** A secret in a public document is none. */
const ABSENT = z.optional(z.never("must not be there: such a client is public"));

/** RFC 7591 §2, in its names. Whatever else a client says of itself is ignored: it gives no right (P27). */
const schema = z.object({
  client_name: z.nullish(identifier.check(visible)),
  redirect_uris: uris,
  post_logout_redirect_uris: z.nullish(z.array(z.string()).check(z.maxLength(MAX_REDIRECT_URIS))),
  grant_types: z.nullish(names.check(includes("authorization_code"))),
  response_types: z.nullish(names.check(includes("code"))),
  token_endpoint_auth_method: z.nullish(z.literal("none", "must be none: such a client is public")),
  client_secret: ABSENT,
  client_secret_expires_at: ABSENT,
});

export type IntroductionDefaults = {
  /** Where the metadata has none. */
  name: string;
  grants: readonly GrantType[];
};

/** The fields of a client by what it says of itself. It is public, and has no right but to ask people. */
export function introducedFields(
  metadata: JsonObject,
  defaults: IntroductionDefaults,
): { fields: ClientFields } | { fault: MetadataFault } {
  const { data, error } = schema.safeParse(metadata);
  if (error !== undefined) {
    const [{ path: [member] = [], message } = { message: "is not valid" }] = error.issues;
    return { fault: { member: String(member ?? ""), message } };
  }
  const { redirect_uris: redirectUris, post_logout_redirect_uris, grant_types } = data;
  const postLogoutRedirectUris = post_logout_redirect_uris ?? [];
  const fault =
    firstFault("redirect_uris", redirectUris) ?? firstFault("post_logout_redirect_uris", postLogoutRedirectUris);
  if (fault !== undefined) return { fault };
  const grants = grant_types == null ? defaults.grants : GRANTS.filter((grant) => grant_types.includes(grant));
  const rights = { permissions: [], scopes: [ANY], audiences: [], anySubject: false } as const;
  const said = { name: data.client_name ?? defaults.name, grants, redirectUris, postLogoutRedirectUris };
  return { fields: fieldsOf({ ...rights, ...said, authMethod: "none" }) };
}

function firstFault(member: string, uris: readonly string[]): MetadataFault | undefined {
  const [message] = uris.map(redirectUriFault).filter((fault) => fault !== undefined);
  return message === undefined ? undefined : { member, message };
}

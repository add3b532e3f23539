import * as z from "zod/mini";
import { scopeString } from "../../token/claims.ts";
import { isHttpUrl } from "../../token/http-url.ts";
import { BearerRefusal, refusalParts } from "./refusal.ts";

/** What a service publishes of itself, so that a client finds who issues tokens for it (RFC 9728 §2). */
export type ProtectedResource = {
  /** URL of the service: its `aud`, without query and fragment. It is what clients request as `resource` (RFC 8707). */
  resource: string;
  /** The issuers whose tokens it accepts: 1 to 16 URLs. */
  authorizationServers: readonly string[];
  /** Scope tokens that a client may request. Default: not published. */
  scopes?: readonly string[] | undefined;
  /** For people. Default: not published. */
  name?: string | undefined;
  /** URL of a page for developers. Default: not published. */
  documentation?: string | undefined;
};

const URL_RULE = "must be an http or https URL without credentials, query or fragment";
const url = z.string().check(z.maxLength(255), z.refine(isHttpUrl, URL_RULE));
// Clients compare and request it as the URL parser writes it, and `aud` is compared exactly.
const NORMAL_FORM = "must be in the normal form of a URL: a host in lower case, no default port, no dot segments";
const isNormal = (text: string) => !isHttpUrl(text) || [text, `${text}/`].includes(new URL(text).href);
const scopeToken = scopeString.check(z.refine((scope) => !scope.includes(" "), "must be one scope token"));

/** Schema of a {@link ProtectedResource}. */
export const protectedResource: z.core.$ZodType = z.strictObject({
  resource: url.check(z.refine(isNormal, NORMAL_FORM)),
  authorizationServers: z.array(url).check(z.minLength(1), z.maxLength(16)),
  scopes: z.optional(z.array(scopeToken)),
  name: z.optional(z.string().check(z.minLength(1))),
  documentation: z.optional(url),
});

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** Path of the metadata: the well-known part comes before the path of the resource (RFC 9728 §3.1). */
function metadataPath(resource: string): string {
  const { pathname } = new URL(resource);
  return pathname === "/" ? WELL_KNOWN : `${WELL_KNOWN}${pathname}`;
}

/** URL of the metadata of a resource. Contains no `"` and no `\`: the URL parser escapes both. */
export function resourceMetadataUrl(resource: string): string {
  return new URL(metadataPath(resource), resource).href;
}

/** The `aud` of a resource: clients write an empty path as `/`, which is the same URL (RFC 3986 §6.2.3). */
export function audienceOf(resource: string): string | readonly string[] {
  const { origin, pathname } = new URL(resource);
  return pathname === "/" ? [origin, `${origin}/`] : resource;
}

/** An answer as data. */
export type MetadataAnswer = { status: number; headers: Record<string, string>; body: string };

/** What middleware has where the option `protectedResource` is set. */
export type ServesMetadata<Handler> = {
  /** The path that {@link resourceMetadata} answers, for every method: `/.well-known/oauth-protected-resource…`. */
  resourceMetadataPath: string;
  /** The handler of that path. Its answer is public, for pages of any origin, and cacheable for an hour. */
  resourceMetadata: Handler;
};

/** The path and the handler of a framework, by an answer to a method; nothing without a resource. */
export function servesMetadata<Handler>(
  resource: ProtectedResource | undefined,
  handlerOf: (answer: (method: string | undefined) => MetadataAnswer) => Handler,
): Partial<ServesMetadata<Handler>> {
  if (resource === undefined) return {};
  const body = JSON.stringify(metadataOf(resource));
  return {
    resourceMetadataPath: metadataPath(resource.resource),
    resourceMetadata: handlerOf((method = "GET") => answerMetadata(method, body)),
  };
}

/** The document (RFC 9728 §2). Tokens in a query or a form are not read (RFC 6750 §5.3). */
function metadataOf({ resource, authorizationServers, scopes, name, documentation }: ProtectedResource): object {
  return {
    resource,
    authorization_servers: authorizationServers,
    scopes_supported: scopes,
    bearer_methods_supported: ["header"],
    resource_name: name,
    resource_documentation: documentation,
  };
}

const METHODS = "GET, HEAD, OPTIONS";
const ANY_ORIGIN = { "access-control-allow-origin": "*" };

function answerMetadata(method: string, body: string): MetadataAnswer {
  if (method === "GET" || method === "HEAD") {
    const headers = { ...ANY_ORIGIN, "content-type": "application/json", "cache-control": "public, max-age=3600" };
    return { status: 200, headers, body: method === "HEAD" ? "" : body };
  }
  if (method === "OPTIONS") {
    // MCP clients in a page send `MCP-Protocol-Version`, for which a browser asks first.
    const allowed = { "access-control-allow-methods": METHODS, "access-control-allow-headers": "*" };
    return { status: 204, headers: { ...ANY_ORIGIN, ...allowed, "access-control-max-age": "7200" }, body: "" };
  }
  const refused = refusalParts(new BearerRefusal("method_not_supported", { status: 405, error: "invalid_request" }));
  return { ...refused, headers: { ...ANY_ORIGIN, ...refused.headers, allow: METHODS } };
}

/** The answer of a fetch handler. */
export function metadataResponse({ status, headers, body }: MetadataAnswer): Response {
  return new Response(body === "" ? null : body, { status, headers });
}

import * as z from "zod/mini";
import { catalogue, MintmarkError, type Reason, verificationReasons } from "../../errors.ts";
import type { Seconds } from "../../time.ts";
import { checkOptions, functionOption, type OptionSchemas } from "../../token/check-options.ts";
import { type Audience, audience, scopeString } from "../../token/claims.ts";
import { BearerRefusal } from "./refusal.ts";
import { audienceOf, type ProtectedResource, protectedResource, resourceMetadataUrl } from "./resource-metadata.ts";

export type { ProtectedResource };
export { BearerRefusal };

/** A verifier of `createVerifier`, or any object of this shape. */
export type TokenVerifier<Claims> = {
  verify(token: unknown, expected?: { audience?: Audience | undefined; scope?: string | undefined }): Promise<Claims>;
};

/** Header fields: a `Headers`, or Node's object with names in lower case. */
export type HeaderFields = Pick<Headers, "get"> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request of `node:http`, Express or Fastify, or a fetch `Request`. */
export type BearerRequest = {
  headers: HeaderFields;
  /** Shows a second `Authorization`, which Node drops from `headers`. */
  rawHeaders?: readonly string[] | undefined;
  /** Node's request inside that of a framework. */
  raw?: { rawHeaders?: readonly string[] | undefined } | undefined;
};

export type BearerOptions = {
  /** Required scope tokens, separated by spaces. Default: none. */
  scope?: string | undefined;
  /** Must be in `aud`; of a list of 1 to 16, any. Default: the protected resource, else the audience of the verifier. */
  audience?: Audience | undefined;
  /** `realm` of `WWW-Authenticate`: printable ASCII without `"` and `\`. Default `mintmark`. */
  realm?: string | undefined;
  /**
   * What the service publishes of itself (RFC 9728). The middleware then has a handler for it, and challenges name its URL
   * and the required scopes. Default: nothing.
   */
  protectedResource?: ProtectedResource | undefined;
  /** Called for every refusal, for a log. `cause` is the error of the verifier. */
  onRefusal?: ((refusal: BearerRefusal) => void) | undefined;
};

/** Options of middleware that serves the metadata of its resource. */
export type ProtectedOptions = BearerOptions & { protectedResource: ProtectedResource };

/** Returns the claims of the token of a request, or a refusal. */
export type Authenticate<Claims> = (request: BearerRequest) => Promise<Claims | BearerRefusal>;

/** What a token is answered with. Any other error is answered with `internal_error`. */
const REASONS: ReadonlySet<Reason> = new Set([...verificationReasons, "malformed_request", "rate_limited"]);

/** `Retry-After` where the error has none. */
const RETRY_AFTER: Seconds = 1;

// A quoted-string that needs no escapes (RFC 9110 §5.6.4), so nothing can break out of one.
const QUOTABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

const schemas: OptionSchemas<BearerOptions> = {
  scope: z.optional(scopeString),
  audience: z.optional(audience),
  realm: z.optional(z.string().check(z.regex(QUOTABLE, "must be printable ASCII without quotes and backslashes"))),
  protectedResource: z.optional(protectedResource),
  onRefusal: z.optional(functionOption),
};

/**
 * Creates the function behind all middleware: it reads `Authorization: Bearer` and verifies the token. Tokens in the query or
 * in a form are ignored (RFC 6750 §5.3: URLs are logged). Throws a `StartError` for wrong options, and nothing for a request.
 */
export function createAuthenticate<Claims>(
  verifier: TokenVerifier<Claims>,
  options: BearerOptions,
): Authenticate<Claims> {
  checkOptions("bearer middleware", schemas, options);
  const { scope, realm = "mintmark", onRefusal = () => {}, protectedResource: { resource } = {} } = options;
  const audience = options.audience ?? (resource === undefined ? undefined : audienceOf(resource));
  const expected = { scope, ...(audience !== undefined && { audience }) };
  const metadata = resource === undefined ? undefined : resourceMetadataUrl(resource);
  const challenged = { realm, scope, metadata };
  return async (request) => {
    const claims = await authenticateBearer(request, (token) => verifier.verify(token, expected), challenged);
    if (claims instanceof BearerRefusal) onRefusal(claims);
    return claims;
  };
}

/** What a challenge names (RFC 6750 §3, RFC 9728 §5.1): valid values of {@link BearerOptions}. */
type Challenged = { realm: string; scope?: string | undefined; metadata?: string | undefined };

/** Reads the token of a request and verifies it. Never rejects. */
export async function authenticateBearer<Claims>(
  request: BearerRequest,
  verify: (token: string) => Promise<Claims>,
  challenged: Challenged,
): Promise<Claims | BearerRefusal> {
  const credentials = readCredentials(request);
  if (credentials === "none") {
    const wwwAuthenticate = challenge({ realm: challenged.realm, ...discovery(challenged, 401) });
    return new BearerRefusal("invalid_token", { status: 401, wwwAuthenticate });
  }
  if (credentials === "malformed") return refuse(new MintmarkError("malformed_request"), challenged);
  try {
    return await verify(credentials.token);
  } catch (error) {
    if (error instanceof MintmarkError && REASONS.has(error.reason)) return refuse(error, challenged);
    return new BearerRefusal("internal_error", { status: 500, error: "server_error", cause: error });
  }
}

/** The refusal for an error: with `Retry-After` where a retry may help, else with a challenge. */
export function refuse(cause: MintmarkError, challenged: Challenged): BearerRefusal {
  const { status, oauth: error } = catalogue[cause.reason];
  if (status === 503 || status === 429) {
    return new BearerRefusal(cause.reason, { status, error, cause, retryAfter: cause.retryAfter ?? RETRY_AFTER });
  }
  const { realm } = challenged;
  const described = { realm, error, error_description: cause.message };
  const wwwAuthenticate = challenge({ ...described, ...discovery(challenged, status) });
  return new BearerRefusal(cause.reason, { status, error, cause, wwwAuthenticate });
}

/** Where to get a token, and which: a client without one asks for what the route needs, and for no more than that. */
function discovery({ scope, metadata }: Challenged, status: number): Record<string, string | undefined> {
  const namesScope = status === 403 || (status === 401 && metadata !== undefined);
  return { ...(namesScope && { scope }), resource_metadata: metadata };
}

/** The same options with one more required scope. */
export function withScope(options: BearerOptions, scope: string): BearerOptions {
  return { ...options, scope: options.scope === undefined ? scope : `${options.scope} ${scope}` };
}

/**
 * The claims that middleware has set. Throws where none has run: the route is not protected. The type of `auth` is not asked:
 * other packages declare it for all requests of a framework.
 */
export function claimsOf<Claims>({ auth }: { auth?: unknown }): Claims {
  if (auth === undefined) throw new MintmarkError("internal_error", { cause: "bearerAuth does not run before this" });
  return auth as Claims;
}

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const MENTIONS_BEARER = /(?:^|,)\s*bearer(?:[\s,]|$)/i;

/** Reads the token (RFC 6750 §2.1). Another scheme than Bearer counts as no credentials (RFC 6750 §3.1). */
function readCredentials(request: BearerRequest): { token: string } | "none" | "malformed" {
  const values = authorizationOf(request.headers);
  // A proxy may have checked the other one.
  if (values.length > 1 || countRaw(request) > 1) return "malformed";
  const [value = ""] = values;
  const [, token] = BEARER.exec(value) ?? [];
  if (token !== undefined) return { token };
  // `Headers` joins several values by commas, which no token contains.
  return MENTIONS_BEARER.test(value) ? "malformed" : "none";
}

/** The values of `Authorization`. */
export function authorizationOf(headers: HeaderFields): readonly string[] {
  const value = isHeaders(headers) ? headers.get("authorization") : headers.authorization;
  return [value ?? []].flat();
}

function isHeaders(headers: HeaderFields): headers is Pick<Headers, "get"> {
  return typeof headers.get === "function";
}

function countRaw({ rawHeaders, raw }: BearerRequest): number {
  const fields = rawHeaders ?? raw?.rawHeaders ?? [];
  return fields.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "authorization").length;
}

/** A challenge (RFC 6750 §3). All values are validated or constant. */
function challenge(parameters: Record<string, string | undefined>): string {
  const present = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Bearer ${present.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}

import { z } from "zod";
import { catalogue, MintmarkError, type Reason } from "../../errors.ts";
import { checkOptions, functionOption, type OptionSchemas } from "../../token/check-options.ts";
import { type Audience, audience, scopeString } from "../../token/claims.ts";
import { BearerRefusal } from "./refusal.ts";

export { BearerRefusal };

/** What verifies tokens: what `createVerifier` makes, or anything else of that shape. */
export type TokenVerifier<Claims> = {
  verify(token: unknown, expected?: { audience?: Audience | undefined; scope?: string | undefined }): Promise<Claims>;
};

/** Header fields: a `Headers`, or Node's, whose names are in lower case. */
export type HeaderFields = Pick<Headers, "get"> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Any request with header fields: of `node:http`, of Express, of Fastify, or a fetch `Request`. */
export type BearerRequest = {
  headers: HeaderFields;
  /** Where there is one, a second `Authorization` is seen. Node drops it from `headers`. */
  rawHeaders?: readonly string[] | undefined;
  /** Node's own request, where a framework has wrapped it. */
  raw?: { rawHeaders?: readonly string[] | undefined } | undefined;
};

export type BearerOptions = {
  /** Scope tokens that a token must all have, separated by spaces. Default: none. */
  scope?: string | undefined;
  /** Whom a token must be for: one service, or any of a list of 1 to 16. Default: as the verifier expects. */
  audience?: Audience | undefined;
  /** Name of the protected space in `WWW-Authenticate`: printable ASCII without `"` and `\`. Default `mintmark`. */
  realm?: string | undefined;
  /** Told of every refusal, for a log. What was thrown inside is its `cause`. */
  onRefusal?: ((refusal: BearerRefusal) => void) | undefined;
};

/** Gives the claims of the token that a request carries, or why it is refused. */
export type Authenticate<Claims> = (request: BearerRequest) => Promise<Claims | BearerRefusal>;

/** The reasons of a verifier. Of any other error the caller learns nothing. */
const REASONS: ReadonlySet<Reason> = new Set([
  "invalid_token",
  "token_expired",
  "token_revoked",
  "not_yet_valid",
  "wrong_issuer",
  "wrong_audience",
  "malformed_request",
  "insufficient_scope",
  "verifier_stale",
  "unavailable",
]);

/** When to try again where the verifier does not say, in seconds. */
const RETRY_AFTER = 1;

// A quoted-string that needs no escapes (RFC 9110 §5.6.4), so nothing can break out of one.
const QUOTABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

const schemas: OptionSchemas<BearerOptions> = {
  scope: scopeString.optional(),
  audience: audience.optional(),
  realm: z.string().regex(QUOTABLE, "must be printable ASCII without quotes and backslashes").optional(),
  onRefusal: functionOption.optional(),
};

/**
 * Makes what all middleware shares: it reads `Authorization: Bearer` and verifies the token. A token in
 * the query or in a form is never looked at (RFC 6750 §5.3: URLs are logged). Does not throw for a request;
 * throws a `StartError` at once for options that cannot be.
 */
export function createAuthenticate<Claims>(
  verifier: TokenVerifier<Claims>,
  options: BearerOptions,
): Authenticate<Claims> {
  checkOptions("bearer middleware", schemas, options);
  const { scope, realm = "mintmark", onRefusal = () => {} } = options;
  const expected = { scope, ...(options.audience !== undefined && { audience: options.audience }) };

  async function claimsOf(request: BearerRequest): Promise<Claims | BearerRefusal> {
    const credentials = readCredentials(request);
    if (credentials === "none") {
      return new BearerRefusal("invalid_token", { status: 401, wwwAuthenticate: challenge({ realm }) });
    }
    if (credentials === "malformed") return rejectionOf(new MintmarkError("malformed_request"));
    try {
      return await verifier.verify(credentials.token, expected);
    } catch (error) {
      return rejectionOf(error);
    }
  }

  function rejectionOf(cause: unknown): BearerRefusal {
    if (!(cause instanceof MintmarkError) || !REASONS.has(cause.reason)) {
      return new BearerRefusal("internal_error", { status: 500, error: "server_error", cause });
    }
    const { status, oauth: error } = catalogue[cause.reason];
    if (status === 503) {
      return new BearerRefusal(cause.reason, { status, error, cause, retryAfter: cause.retryAfter ?? RETRY_AFTER });
    }
    const needed = status === 403 ? { scope } : {};
    const wwwAuthenticate = challenge({ realm, error, error_description: cause.message, ...needed });
    return new BearerRefusal(cause.reason, { status, error, cause, wwwAuthenticate });
  }

  return async (request) => {
    const claims = await claimsOf(request);
    if (claims instanceof BearerRefusal) onRefusal(claims);
    return claims;
  };
}

/** The same options with one more scope required. */
export function withScope(options: BearerOptions, scope: string): BearerOptions {
  return { ...options, scope: options.scope === undefined ? scope : `${options.scope} ${scope}` };
}

/** The claims that middleware has left on a request. Throws where none has run: the route is not protected. */
export function claimsOf<Claims>({ auth }: { auth?: Claims }): Claims {
  if (auth === undefined) throw new MintmarkError("internal_error", { cause: "bearerAuth does not run before this" });
  return auth;
}

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const MENTIONS_BEARER = /(?:^|,)\s*bearer(?:[\s,]|$)/i;

/** Reads the token (RFC 6750 §2.1). Another scheme than Bearer counts as no credentials (RFC 6750 §3.1). */
function readCredentials(request: BearerRequest): { token: string } | "none" | "malformed" {
  const values = authorizationOf(request.headers);
  // Of two, a proxy on the way here may have looked at the other one.
  if (values.length > 1 || countRaw(request) > 1) return "malformed";
  const [value = ""] = values;
  const [, token] = BEARER.exec(value) ?? [];
  if (token !== undefined) return { token };
  // `Headers` joins several values by commas, which no token can hold.
  return MENTIONS_BEARER.test(value) ? "malformed" : "none";
}

function authorizationOf(headers: HeaderFields): readonly string[] {
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

/** A challenge (RFC 6750 §3). All values were checked, or are our own. */
function challenge(parameters: Record<string, string | undefined>): string {
  const said = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Bearer ${said.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}

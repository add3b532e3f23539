import type { Logger } from "pino";
import { MintmarkError } from "../errors.ts";
import type { VerificationRequest } from "../service/tokens/tokens.ts";
import { audience, type RegisteredClaims, scopeString } from "../token/claims.ts";
import { authenticateBearer, refuse } from "../verifier/middleware/bearer.ts";
import { BearerRefusal, refusalParts } from "../verifier/middleware/refusal.ts";
import { describeError } from "./log.ts";
import type { AddressOf } from "./request/client.ts";
import { requestIdOf } from "./respond.ts";
import type { Handle } from "./routes.ts";
import { decoded } from "./rpc/strict-input.ts";

export const GATEWAY_PATH = "/verify";

const REALM = "mintmark";

export type GatewayOptions = {
  service: { verifyToken(request: VerificationRequest, address?: string): Promise<RegisteredClaims> };
  addressOf: AddressOf;
  logger: Logger;
};

/**
 * Makes the handler for gateways, such as `auth_request` of nginx: verifies the bearer token of a request that the gateway has
 * received, whatever its method, and answers 200 with the identity in headers, or with the refusal (RFC 6750 §3).
 */
export function createGatewayHandler({ service, addressOf, logger }: GatewayOptions): Handle {
  const expectedIn = createQueryReader();

  return async (request, response, { query }) => {
    const expected = expectedIn(query);
    const identity =
      expected instanceof MintmarkError
        ? refuse(expected, { realm: REALM })
        : await authenticateBearer(
            request,
            async (token) =>
              identityHeaders(token, await service.verifyToken({ token, ...expected }, addressOf(request))),
            { realm: REALM, scope: expected.scope },
          );
    if (!(identity instanceof BearerRefusal)) return void response.writeHead(200, identity).end();
    if (identity.status === 500)
      logger.error({ requestId: requestIdOf(request), error: describeError(identity.cause) }, "verification failed");
    const { status, headers, body } = refusalParts(identity);
    response.writeHead(status, {
      ...headers,
      "content-length": Buffer.byteLength(body),
      "x-request-id": requestIdOf(request),
    });
    response.end(body);
  };
}

/** Printable ASCII without a space at an end, where parsers of HTTP drop it: another subject. Nothing can break out of the field. */
const CARRIABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * The identity as headers. Each is always sent, and empty where the token has no such claim or a header cannot carry it: so it
 * replaces what the gateway's client sent by the same name. The claims are the payload as signed.
 */
function identityHeaders(token: string, { sub, client_id, scope = "" }: RegisteredClaims): Record<string, string> {
  return {
    "cache-control": "no-store",
    "content-length": "0",
    "x-auth-subject": carriable(sub),
    "x-auth-client": carriable(client_id),
    "x-auth-scope": carriable(scope),
    "x-auth-claims": token.split(".")[1] ?? "",
  };
}

function carriable(value: string): string {
  return CARRIABLE.test(value) ? value : "";
}

type Expected = Pick<VerificationRequest, "audience" | "scope">;

/** Most queries whose parameters are cached. A gateway sends a few, always the same. */
const MAX_QUERIES = 100;

/** Makes the function that reads what a token must have from the query of a target. Caches valid queries. */
function createQueryReader(): (query: string) => Expected | MintmarkError {
  const known = new Map<string, Expected>();
  return (query) => {
    const cached = known.get(query);
    if (cached !== undefined) return cached;
    const expected = readQuery(query);
    if (expected instanceof MintmarkError) return expected;
    if (known.size >= MAX_QUERIES) known.clear();
    known.set(query, expected);
    return expected;
  };
}

const PRINTABLE = /^[!-~]*$/;

function readQuery(query: string): Expected | MintmarkError {
  if (!PRINTABLE.test(query)) return invalidQuery("", "has a query that is not URL-encoded");
  const audiences: string[] = [];
  const scopes: string[] = [];
  for (const parameter of query.split("&")) {
    if (parameter === "") continue;
    const [name, value = ""] = parameter.split(/=(.*)/s).map(decoded);
    if (name === "audience") audiences.push(value);
    else if (name === "scope") scopes.push(value);
    else return invalidQuery("", "has an unknown query parameter: audience and scope are known");
  }
  if (audiences.length > 0 && !audience.safeParse(audiences).success)
    return invalidQuery("audience", "must be 1 to 16 different texts of 1 to 255 characters, each UTF-8");
  if (scopes.length > 1) return invalidQuery("scope", "is given twice: separate scope tokens by spaces");
  const [scope] = scopes;
  if (scope !== undefined && !scopeString.safeParse(scope).success)
    return invalidQuery("scope", "must be scope tokens separated by single spaces");
  return { ...(audiences.length > 0 && { audience: audiences }), ...(scope !== undefined && { scope }) };
}

function invalidQuery(path: string, message: string): MintmarkError {
  return new MintmarkError("invalid_request", { issues: [{ path, message }] });
}

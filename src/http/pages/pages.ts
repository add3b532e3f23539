import type { IncomingMessage } from "node:http";
import { JWKS_MAX_AGE } from "../../keys/lifecycle.ts";
import type { ServedRouter } from "../../router/procedure.ts";
import type { Readiness } from "../../service/operations/readiness.ts";
import type { TokenService } from "../../service/service.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import type { Document } from "../respond.ts";
import { docsAssets, docsPage } from "./docs-page.ts";
import { describeApi } from "./openapi.ts";
import { readStartScript, startPage } from "./start-page.ts";

const HTML = "text/html; charset=utf-8";

/** Nothing is loaded from, sent to, or framed by anywhere else. Swagger UI needs inline styles and data images. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

export type MakeDocument = (request: IncomingMessage) => Document | Promise<Document>;

export type ServedDocument = {
  make: MakeDocument;
  /** Whether pages of every origin may read it: it is public, and made for programs. */
  anyOrigin?: boolean;
  /** Whether it is given to who names no host, also where access is open. A browser always names one, so that no rebound name gets it. */
  withoutHost?: boolean;
};

export type PagesOptions = {
  router: ServedRouter;
  metrics: MakeDocument;
  /** The path of the issuer, below which all are served as well; empty for most. */
  basePath: string;
};

/**
 * The plain HTTP documents by path. Each is made when it is asked for; those that cannot change, once. All refer to each
 * other by relative URLs, so that they work below whatever path a proxy puts them.
 */
export function createPages(
  service: Pick<TokenService, "issuer" | "open" | "jwks" | "readiness"> & { claims: ClaimsSchema },
  { router, metrics, basePath }: PagesOptions,
): ReadonlyMap<string, ServedDocument> {
  const page = (body: () => string) => ({ make: memoize(() => ({ type: HTML, body: body(), headers: PAGE_HEADERS })) });
  return new Map<string, ServedDocument>([
    ["/", page(() => startPage(service))],
    ["/start.js", { make: memoize(readStartScript) }],
    ["/healthz", { make: () => ({ ...json({ status: "ok" }), cacheControl: "no-store" }), withoutHost: true }],
    ["/readyz", { make: () => service.readiness().then(readinessDocument), withoutHost: true }],
    ["/metrics", { make: metrics }],
    ["/.well-known/jwks.json", { make: () => jwkSet(service), anyOrigin: true, withoutHost: true }],
    ["/openapi.json", { make: memoize(() => json(describeApi(router))), anyOrigin: true, withoutHost: true }],
    ["/docs", page(() => docsPage("docs/"))],
    ["/docs/", page(() => docsPage(""))],
    ...docsAssets.map(({ path, read }) => [path, { make: memoize(read) }] as const),
    ...(basePath === "" ? [] : [[basePath, { make: memoize(() => withSlash(basePath)) }] as const]),
  ]);
}

function jwkSet(service: Pick<TokenService, "jwks">): Document {
  const cacheControl = `public, max-age=${JWKS_MAX_AGE}`;
  return { type: "application/jwk-set+json", body: JSON.stringify(service.jwks()), cacheControl };
}

/** Sends to the start page by a relative URL: what a proxy put before the path is not known here. */
function withSlash(path: string): Document {
  const location = `${path.slice(path.lastIndexOf("/") + 1)}/`;
  return { status: 308, type: "text/plain; charset=utf-8", body: `See ${location}\n`, headers: { location } };
}

/** Says whether requests can be served in full and, by name, what is wrong where they cannot. */
function readinessDocument({ checks, failing }: Readiness): Document {
  const isReady = Object.values(checks).every((state) => state === "ok");
  const status = isReady ? "ready" : "not ready";
  const document = {
    ...json({ status, checks, ...(failing.length > 0 && { failing }) }),
    cacheControl: "no-store",
  };
  return isReady ? document : { ...document, status: 503 };
}

function json(value: unknown): Document {
  return { type: "application/json", body: JSON.stringify(value) };
}

function memoize<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

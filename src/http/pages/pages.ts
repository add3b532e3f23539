import type { IncomingMessage } from "node:http";
import { JWKS_MAX_AGE } from "../../keys/lifecycle.ts";
import {
  authorizationServerMetadata,
  METADATA_PATH,
  OPENID_METADATA_PATH,
  openidMetadata,
} from "../../oauth/metadata.ts";
import type { ServedRouter } from "../../router/procedure.ts";
import type { Readiness } from "../../service/operations/readiness.ts";
import type { TokenService } from "../../service/service.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import type { Document } from "../respond.ts";
import { basePathOf, type Row } from "../routes.ts";
import type { Theme } from "../theme.ts";
import { assetDocument } from "./assets.ts";
import { describeApi } from "./openapi.ts";
import { colourStyle } from "./sign-in/colours.ts";
import { startPage } from "./start-page.ts";
import { pageDocument } from "./template.ts";

const CSS = "text/css; charset=utf-8";
const JAVASCRIPT = "text/javascript; charset=utf-8";

/** The files that the pages load: path, file below `dist`, media type. No other file is served. */
const ASSETS = [
  ["/start.css", "pages/start.css", CSS],
  ["/start.js", "pages/start.js", JAVASCRIPT],
  ["/form-post.js", "pages/form-post.js", JAVASCRIPT],
  ["/docs/start.js", "pages/docs.js", JAVASCRIPT],
  ["/docs/docs.css", "pages/docs.css", CSS],
  ["/docs/swagger-ui.css", "swagger-ui/swagger-ui.css", CSS],
  ["/docs/swagger-ui-bundle.js", "swagger-ui/swagger-ui-bundle.js", JAVASCRIPT],
] as const;

export type MakeDocument = (request: IncomingMessage) => Document | Promise<Document>;

type Page = Pick<Row, "path" | "anyOrigin" | "withoutHost"> & { make: MakeDocument };

export type PagesOptions = {
  router: ServedRouter;
  metrics: MakeDocument;
  /** Whether people can sign in. */
  signsIn: boolean;
  /** The path of the issuer, default empty. All documents are served below it, too. */
  basePath: string;
  theme: Theme;
};

/** The documents. Constant ones are made once. Links between them are relative, for a proxy that adds a path. */
export function createPages(
  service: Pick<TokenService, "issuer" | "open" | "rateLimits" | "jwks" | "readiness" | "registration"> & {
    claims: ClaimsSchema;
  },
  { router, metrics, signsIn, basePath, theme }: PagesOptions,
): Page[] {
  // Not by a redirect to the slash, which some frameworks redirect back.
  const withoutSlash = () => startPage(service, `${basePath.slice(basePath.lastIndexOf("/") + 1)}/`);
  const metadata = () => (signsIn ? openidMetadata(service) : authorizationServerMetadata(service, { signsIn }));
  return [
    { path: "/", make: memoize(() => startPage(service)) },
    { path: "/healthz", make: () => ({ ...json({ status: "ok" }), cacheControl: "no-store" }), withoutHost: true },
    { path: "/readyz", make: () => service.readiness().then(readinessDocument), withoutHost: true },
    { path: "/metrics", make: metrics },
    { path: "/.well-known/jwks.json", make: () => jwkSet(service), anyOrigin: true, withoutHost: true },
    ...metadataPages(METADATA_PATH, service.issuer, () => authorizationServerMetadata(service, { signsIn })),
    ...(signsIn ? metadataPages(OPENID_METADATA_PATH, service.issuer, () => openidMetadata(service)) : []),
    {
      path: "/openapi.json",
      make: memoize(() => json(describeApi(router, service, metadata()))),
      anyOrigin: true,
      withoutHost: true,
    },
    { path: "/docs", make: memoize(() => pageDocument("docs.html", { path: "docs/" })) },
    { path: "/docs/", make: memoize(() => pageDocument("docs.html", { path: "" })) },
    ...ASSETS.map(([path, file, type]) => ({ path, make: memoize(() => assetDocument(file, type)) })),
    { path: "/sign-in.css", make: memoize(() => signInStyle(theme)) },
    ...(basePath === "" ? [] : [{ path: basePath, make: memoize(withoutSlash) }]),
  ];
}

/** The style sheet of the pages that people see, with the colour of the theme. */
async function signInStyle({ colour }: Theme): Promise<Document> {
  const document = await assetDocument("pages/sign-in.css", CSS);
  if (document.status !== undefined || colour === undefined) return document;
  return { ...document, body: `${document.body}${colourStyle(colour)}` };
}

function jwkSet(service: Pick<TokenService, "jwks">): Document {
  const cacheControl = `public, max-age=${JWKS_MAX_AGE}`;
  return { type: "application/jwk-set+json", body: JSON.stringify(service.jwks()), cacheControl };
}

/**
 * The metadata below the issuer, where OpenID Connect Discovery §4.1 has it, and at the root of the host before the path of the
 * issuer, where RFC 8414 §3.1 has it. Clients of either look for both documents.
 */
function metadataPages(path: string, issuer: string, describe: () => object): Page[] {
  const make = () => ({ ...json(describe()), cacheControl: `public, max-age=${JWKS_MAX_AGE}` });
  const paths = new Set([path, path + basePathOf(issuer)]);
  return [...paths].map((at) => ({ path: at, make, anyOrigin: true, withoutHost: true }));
}

/** 200 where every check is ok, else 503. `failing` names the causes. */
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

/** Makes a document once. Not a 404: a file that is missing while a build replaces the others is there a moment later. */
function memoize(make: () => Document | Promise<Document>): () => Promise<Document> {
  let made: Promise<Document> | undefined;
  return async () => {
    made ??= Promise.resolve(make());
    const document = await made;
    if (document.status === 404) made = undefined;
    return document;
  };
}

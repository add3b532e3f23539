import type { IncomingMessage } from "node:http";
import { JWKS_MAX_AGE } from "../keys/lifecycle.ts";
import type { ServedRouter } from "../router/trpc.ts";
import type { Readiness } from "../service/readiness.ts";
import type { TokenService } from "../service/service.ts";
import { docsAssets, docsPage } from "./docs.ts";
import { describeApi } from "./openapi.ts";
import type { Document } from "./respond.ts";
import { readStartScript, startPage } from "./start-page.ts";

const HTML = "text/html; charset=utf-8";

/** Nothing is loaded from, sent to, or framed by anywhere else. Swagger UI needs inline styles and data images. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

export type MakeDocument = (request: IncomingMessage) => Document | Promise<Document>;

/** The plain HTTP documents by path. Each is made when it is asked for; those that cannot change, once. */
export function createDocuments(
  service: Pick<TokenService, "issuer" | "open" | "jwks" | "readiness">,
  { router, metrics }: { router: ServedRouter; metrics: MakeDocument },
): ReadonlyMap<string, MakeDocument> {
  const docs = (): Document => ({ type: HTML, body: docsPage, headers: PAGE_HEADERS });
  const openapi = once(() => json(describeApi(router)));
  return new Map<string, MakeDocument>([
    ["/", () => ({ type: HTML, body: startPage(service), headers: PAGE_HEADERS })],
    ["/start.js", once(readStartScript)],
    ["/healthz", () => ({ ...json({ status: "ok" }), cacheControl: "no-store" })],
    ["/readyz", () => service.readiness().then(tell)],
    ["/metrics", metrics],
    [
      "/.well-known/jwks.json",
      () => ({
        type: "application/jwk-set+json",
        body: JSON.stringify(service.jwks()),
        cacheControl: `public, max-age=${JWKS_MAX_AGE}`,
      }),
    ],
    ["/openapi.json", openapi],
    ["/docs", docs],
    ["/docs/", docs],
    ...docsAssets.map(({ path, read }) => [path, once(read)] as const),
  ]);
}

/** Says whether requests can be served in full and, by name, what is wrong where they cannot. */
function tell(checks: Readiness): Document {
  const isReady = Object.values(checks).every((state) => state === "ok");
  const document = { ...json({ status: isReady ? "ready" : "not ready", checks }), cacheControl: "no-store" };
  return isReady ? document : { ...document, status: 503 };
}

function json(value: unknown): Document {
  return { type: "application/json", body: JSON.stringify(value) };
}

function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

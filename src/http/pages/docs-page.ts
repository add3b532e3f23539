import type { Document } from "../respond.ts";
import { assetDocument } from "./assets.ts";

/** The page with the API's description. `path` leads from where it is served to its files. */
export const docsPage = (path: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Mintmark API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${path}swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="${path}swagger-ui-bundle.js"></script>
    <script src="${path}start.js"></script>
  </body>
</html>
`;

/**
 * Without `validatorUrl: null` the page would ask a validator on the internet about this API. The header says that a page
 * asks, where a browser does not: then a refusal opens no dialog of the browser's.
 */
const startScript = `SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#docs",
  validatorUrl: null,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  showMutatedRequest: false,
  requestInterceptor(request) {
    request.headers["x-requested-with"] = "XMLHttpRequest";
    return request;
  },
});
`;

/** The files that the page loads. Only these are served, whatever else lies beside them. */
export const docsAssets: readonly { path: string; read: () => Document | Promise<Document> }[] = [
  { path: "/docs/start.js", read: () => ({ type: "text/javascript; charset=utf-8", body: startScript }) },
  swaggerFile("swagger-ui.css", "text/css; charset=utf-8"),
  swaggerFile("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
];

function swaggerFile(name: string, type: string) {
  return { path: `/docs/${name}`, read: () => assetDocument(`swagger-ui/${name}`, type) };
}

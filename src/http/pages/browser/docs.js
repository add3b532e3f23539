/**
 * Starts Swagger UI on `/docs`. Without `validatorUrl: null` it sends this API to a public validator.
 * `x-requested-with` makes the service omit the Basic challenge, so a 401 opens no login dialog of the browser.
 */
/** @type {any} */ (globalThis).SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href,
  dom_id: "#docs",
  validatorUrl: null,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  showMutatedRequest: false,
  /** @param {{ headers: Record<string, string> }} request */
  requestInterceptor(request) {
    request.headers["x-requested-with"] = "XMLHttpRequest";
    return request;
  },
});

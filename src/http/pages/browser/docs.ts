/** Starts Swagger UI on `/docs`. Without `validatorUrl: null` it sends this API to a validator on the internet. */
declare const SwaggerUIBundle: (options: object) => void;

const dark = matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyScheme);
applyScheme();

/** Fields that Swagger UI gives no name. */
const NAMES: readonly (readonly [selector: string, name: string])[] = [
  [".examples-select-element", "Example"],
  [".body-param__text", "Request body"],
];

function addNames(): void {
  for (const [selector, name] of NAMES)
    for (const field of document.querySelectorAll(`${selector}:not([aria-label])`))
      field.setAttribute("aria-label", name);
  // It scrolls, for a long token.
  for (const command of document.querySelectorAll("pre.curl:not([tabindex])")) command.setAttribute("tabindex", "0");
}

new MutationObserver(addNames).observe(document.body, { childList: true, subtree: true });

SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href,
  dom_id: "#docs",
  validatorUrl: null,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  docExpansion: "list",
  showMutatedRequest: false,
  syntaxHighlight: { theme: "obsidian" },
  // The service then omits the Basic challenge, so that a 401 opens no login dialog of the browser.
  requestInterceptor(request: { headers: Record<string, string> }) {
    request.headers["x-requested-with"] = "XMLHttpRequest";
    return request;
  },
});

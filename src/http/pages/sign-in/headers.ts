import type { Page } from "../../../oauth/page.ts";
import type { Theme } from "../../theme.ts";
import type { Language } from "./language.ts";

type Policy = {
  /** `'none'` where the page has no form. Absent where the answer to its form can be a redirect to another site: Chromium applies `form-action` to redirects too. */
  formAction?: "'none'";
  /** Whether the form is sent to this server, which compares `Origin`. */
  isOwnForm?: true;
  hasScript?: true;
};

const POLICIES: Readonly<Record<Page["name"], Policy>> = {
  "sign-in": { isOwnForm: true },
  consent: { isOwnForm: true },
  "form-post": { hasScript: true },
  "device-code": { isOwnForm: true },
  "device-done": { formAction: "'none'" },
  "log-out": { isOwnForm: true },
  "signed-out": { formAction: "'none'" },
  error: { formAction: "'none'" },
};

/** The headers of a page. */
export function pageHeaders({ name }: Page, { language, theme }: { language: Language; theme: Theme }) {
  const { formAction, isOwnForm, hasScript } = POLICIES[name];
  const directives = {
    "default-src": "'none'",
    "style-src": "'self'",
    ...(hasScript && { "script-src": "'self'" }),
    "img-src": ["'self'", "data:", ...logoOrigin(theme)].join(" "),
    "base-uri": "'none'",
    ...(formAction && { "form-action": formAction }),
    "frame-ancestors": "'none'",
  };
  return {
    "content-type": "text/html; charset=utf-8",
    "content-language": language,
    "cache-control": "no-store",
    "content-security-policy": Object.entries(directives)
      .map((directive) => directive.join(" "))
      .join("; "),
    // With `no-referrer`, browsers send `Origin: null` with a form (Fetch standard §3.2). Either sends nothing to other sites.
    "referrer-policy": isOwnForm ? "same-origin" : "no-referrer",
    "x-frame-options": "DENY",
  };
}

function logoOrigin({ logo }: Theme): string[] {
  return logo === undefined || logo.startsWith("data:") ? [] : [new URL(logo).origin];
}

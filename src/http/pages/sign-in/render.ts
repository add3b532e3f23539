import type { Page } from "../../../oauth/page.ts";
import type { Theme } from "../../theme.ts";
import { consentPage } from "./consent.ts";
import { deviceCodePage } from "./device-code.ts";
import type { Words } from "./en.ts";
import { formPostPage } from "./form-post.ts";
import { pageHeaders } from "./headers.ts";
import { html, visibleText } from "./html.ts";
import { LANGUAGES, type Language } from "./language.ts";
import { type Content, layout, type PageContext } from "./layout.ts";
import { logOutPage } from "./log-out.ts";
import { signInPage } from "./sign-in.ts";

export type RenderOptions = {
  language: Language;
  /** Valid: see `themeSchemas`. */
  theme: Theme;
  /** The relative path from the page to the root of the service, such as `../` for `/oauth/authorize`. */
  path: string;
};

/** A page as HTML, with its headers. Texts of other parties are escaped, and what is invisible in them is shown. */
export function renderPage(
  page: Page,
  { language, theme, path }: RenderOptions,
): { body: string; headers: Record<string, string> } {
  const words = LANGUAGES[language];
  const content = contentOf(page, { words, path });
  return { body: layout(content, { words, path, language, theme }), headers: pageHeaders(page, { language, theme }) };
}

function contentOf(page: Page, context: PageContext): Content {
  const { words } = context;
  switch (page.name) {
    case "sign-in":
      return signInPage(page, context);
    case "consent":
      return consentPage(page, context);
    case "form-post":
      return formPostPage(page, context);
    case "device-code":
      return deviceCodePage(page, context);
    case "log-out":
      return logOutPage(page, context);
    case "device-done":
      return noticePage(page.allowed ? words.deviceDone.allowed : words.deviceDone.denied);
    case "signed-out":
      return noticePage(words.signedOut);
    case "error":
      return errorPage(page, words);
  }
}

function noticePage({ title, text }: { title: string; text: string }): Content {
  return { title, body: html`<h1>${title}</h1>\n<p>${text}</p>` };
}

/** Shows no value of the request: its link can be of an attacker. */
function errorPage(
  { reason, requestId }: Extract<Page, { name: "error" }>,
  { errors, requestId: label }: Words,
): Content {
  const { title, text } = errors[reason];
  const number =
    requestId !== undefined && html`\n<p class="quiet">${label} <code>${visibleText(requestId)}</code></p>`;
  return { title, body: html`<h1>${title}</h1>\n<p>${text}</p>${number}`, hasProblem: true };
}

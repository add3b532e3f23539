import type { Theme } from "../../theme.ts";
import type { Words } from "./en.ts";
import { type Html, html } from "./html.ts";
import type { Language } from "./language.ts";

/** What a page needs beside its values. `path` leads from the page to the root. */
export type PageContext = { words: Words; path: string };

export type Content = {
  title: string;
  body: Html;
  /** Whether the title says that there is a problem. Default false. */
  hasProblem?: boolean;
  /** A script below the root, such as `form-post.js`. It runs when the page is read. Default: none. */
  script?: string;
};

export type LayoutOptions = PageContext & { language: Language; theme: Theme };

/** The whole document of a page: the name of the product, and one card. */
export function layout({ title, body, hasProblem, script }: Content, options: LayoutOptions): string {
  const { words, path, language, theme } = options;
  const parts = [hasProblem === true && words.problem, title].filter((part) => part !== false).join(": ");
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${[parts, theme.title].filter(Boolean).join(" · ")}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${path}sign-in.css">
${script !== undefined && html`<script src="${path}${script}" defer></script>`}
</head>
<body>
${brand(theme)}
<main>
${body}
</main>
</body>
</html>
`.html;
}

function brand({ title, logo }: Theme): Html | false {
  if (!title && !logo) return false;
  return html`<header>${logo && html`<img src="${logo}" alt="">`}${title && html`<span>${title}</span>`}</header>`;
}

import type { Document } from "../respond.ts";
import { assetDocument } from "./assets.ts";

/** Pages load, call and are framed by this origin only. Swagger UI needs inline styles and data images. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

export type Values = Readonly<Record<string, string | number | boolean>>;

/** A page of `dist/pages` with its values filled in, or the 404 that names the missing file. */
export async function pageDocument(file: string, values: Values): Promise<Document> {
  const document = await assetDocument(`pages/${file}`, "text/html; charset=utf-8");
  if (document.status !== undefined) return document;
  return { ...document, headers: HEADERS, body: fill(String(document.body), values) };
}

const TAGS = /\{\{([#^])(\w+)\}\}([\s\S]*?)\{\{\/\2\}\}|\{\{(\w+)\}\}/g;

/**
 * The part of Mustache that the pages use: `{{name}}`, `{{#name}}…{{/name}}` where the value is set, `{{^name}}…{{/name}}`
 * where it is not. Values are escaped and never read as a template.
 */
function fill(template: string, values: Values): string {
  return template.replace(TAGS, (...[, kind, section, inner, name]: string[]) => {
    if (name !== undefined) return escapeHtml(String(values[name] ?? ""));
    return Boolean(values[section ?? ""]) === (kind === "#") ? fill(inner ?? "", values) : "";
  });
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** For text, and for the value of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

import { escapeInvisible } from "../../../token/invisible.ts";
import { escapeHtml } from "../template.ts";

/** Text that is HTML already. Only {@link html} makes it. */
export type Html = { readonly html: string };

type Value = Html | string | undefined | false | readonly Html[];

/** A template of HTML: values are escaped, also for quoted attributes. Nothing is shown for `undefined` and `false`. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: parts.reduce((text, part, at) => text + textOf(values[at - 1]) + part) };
}

function textOf(value: Value): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "string") return escapeHtml(value);
  return "html" in value ? value.html : value.map(({ html }) => html).join("");
}

/** Spaces that look like others or like nothing: of two names that differ in them alone, one could pass for the other. */
const UNSEEN_SPACE = /^ +| +$|(?![ \u3000])\p{Zs}|\u2800/gu;

/** A text of another party as people can compare it: what is invisible in it is written as an escape such as `\u202e`. */
export function visibleText(text: string): string {
  return escapeInvisible(text).replace(UNSEEN_SPACE, (spaces) =>
    Array.from(spaces, (space) => `\\u${space.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** A name that another party chose. Its direction does not change that of the text around it (UAX #9). */
export function nameHtml(text: string): Html {
  return html`<bdi class="name">${visibleText(text)}</bdi>`;
}

/** The hidden fields of a form. */
export function hiddenFields(fields: Readonly<Record<string, string>>): Html[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

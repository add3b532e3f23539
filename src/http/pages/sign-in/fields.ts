import { type Html, html } from "./html.ts";

export type FieldOptions = {
  id: string;
  label: string;
  hint?: string;
  /** What is wrong with the value. The field is then the first to have the focus. */
  problem?: Html | undefined;
  /** Makes the control with the attributes that connect it to its label, its hint and its problem. */
  control: (attributes: Html) => Html;
};

/** A field of a form with its label. A screen reader says the hint and the problem with the field. */
export function field({ id, label, hint, problem, control }: FieldOptions): Html {
  const describing = [problem && `${id}-problem`, hint && `${id}-hint`].filter(Boolean).join(" ");
  const attributes = html`id="${id}"${describing !== "" && html` aria-describedby="${describing}"`}${
    problem && html` aria-invalid="true"`
  }`;
  return html`<div class="field"><label for="${id}">${label}</label>
${problem && html`<p class="problem" id="${id}-problem">${problem}</p>`}
${control(attributes)}
${hint !== undefined && html`<p class="quiet" id="${id}-hint">${hint}</p>`}</div>`;
}

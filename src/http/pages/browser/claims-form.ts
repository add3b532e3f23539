import type { ClaimField } from "../claims-fields.ts";
import { make } from "./dom.ts";

/** The fields for custom claims, and what is entered. */
export type ClaimsForm = {
  /** The claims. Throws an error for people where a text is no JSON. */
  read(): unknown;
};

type Control = { input: HTMLElement; value: () => unknown };

/** Adds the fields that the service made from the schema of its claims. */
export function createClaimsForm(place: HTMLElement, fields: readonly ClaimField[]): ClaimsForm {
  const controls = fields.map((field, at) => {
    const id = `claim-${at}`;
    const control = controlFor(field, id);
    const note = field.description === undefined ? [] : [make("small", { id: `${id}-note` }, field.description)];
    if (note.length > 0) control.input.setAttribute("aria-describedby", `${id}-note`);
    const title = field.name === undefined ? "Claims, as JSON" : labelOf({ ...field, name: field.name });
    const label = make("label", { for: id }, title);
    const isFlag = field.kind === "flag";
    const className = isFlag ? "field check" : field.name === undefined ? "field wide" : "field";
    const parts = isFlag ? [control.input, label] : [label, control.input];
    place.append(make("div", { class: className }, ...parts, ...note));
    return { ...field, ...control };
  });
  return {
    read() {
      const [only] = controls;
      if (only !== undefined && only.name === undefined) return only.value() ?? {};
      const entries = controls.map(({ name = "", value }) => [name, value()] as const);
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    },
  };
}

function labelOf({ name, kind, required }: ClaimField & { name: string }): string {
  return [name, kind === "json" && "as JSON", !required && "optional"].filter(Boolean).join(", ");
}

function controlFor(field: ClaimField, id: string): Control {
  if (field.kind === "choice") return choice(field, id);
  if (field.kind === "flag") return flag(field, id);
  if (field.kind === "json") return json(field, id);
  return text(field, id);
}

function text({ kind, required, value, standard, min, max, maxLength }: ClaimField, id: string): Control {
  const isNumber = kind === "number";
  const input = make("input", {
    id,
    type: kind,
    value: value === undefined ? "" : String(value),
    placeholder: standard === undefined ? undefined : String(standard),
    min,
    max,
    step: isNumber ? "any" : undefined,
    maxlength: maxLength,
    required: isNumber && required,
    autocomplete: "off",
  });
  return {
    input,
    // A required text may be empty; the schema decides.
    value: () =>
      input.value === "" && (isNumber || !required) ? undefined : isNumber ? Number(input.value) : input.value,
  };
}

function flag({ value }: ClaimField, id: string): Control {
  const input = make("input", { id, type: "checkbox", checked: value === true });
  return { input, value: () => input.checked };
}

function choice({ choices = [], required, value, standard }: ClaimField, id: string): Control {
  const none = standard === undefined ? "none" : `default: ${standard}`;
  const options = choices.map((one, at) => make("option", { value: at, selected: one === value }, String(one)));
  const input = make("select", { id }, ...(required ? [] : [make("option", { value: "" }, none)]), ...options);
  return { input, value: () => (input.value === "" ? undefined : choices[Number(input.value)]) };
}

function json({ name = "The claims", value }: ClaimField, id: string): Control {
  const initial = value === undefined ? "" : JSON.stringify(value, null, 2);
  const rows = Math.min(Math.max(initial.split("\n").length, 2), 12);
  const input = make("textarea", { id, rows, spellcheck: "false" }, initial);
  return {
    input,
    value() {
      if (input.value.trim() === "") return undefined;
      try {
        return JSON.parse(input.value);
      } catch (error) {
        throw new Error(`${name}: no JSON. ${error instanceof Error ? error.message : error}`);
      }
    },
  };
}

import { type JsonSchema, listOf, resolve, skeletonOf } from "./skeleton.ts";

/**
 * A field of the form for claims. A `choice` has JSON values, `json` is a text area for a value of any shape.
 * A field without a value stands for a claim that is left out.
 */
export type ClaimField = {
  /** The claim. Absent: the field is all claims, as one object. */
  name?: string;
  kind: "text" | "number" | "flag" | "choice" | "json";
  required: boolean;
  /** The first value, as JSON. Absent: empty. */
  value?: unknown;
  choices?: readonly unknown[];
  /** The value of a claim that is left out. */
  standard?: unknown;
  description?: string;
  min?: number;
  max?: number;
  maxLength?: number;
};

/** More fields are a list that nobody reads: one text area is shorter. */
const MAX_FIELDS = 24;

/** The fields for custom claims, by their JSON Schema: one for each claim, or one text area for all of them. */
export function claimFields(schema: object): ClaimField[] {
  const root = resolve(schema, schema as JsonSchema);
  const names = Object.keys((root.properties as object | undefined) ?? {});
  const isPlain = root.type === "object" && COMBINING.every((keyword) => root[keyword] === undefined);
  if (!isPlain || names.length === 0 || names.length > MAX_FIELDS)
    return [{ kind: "json", required: true, value: skeletonOf(schema) }];
  // An example of the whole is better than one of each part.
  const first = skeletonOf(schema) as JsonSchema;
  const required = listOf(root.required);
  return names.map((name) => {
    const property = resolve((root.properties as JsonSchema)[name], schema as JsonSchema);
    const { [name]: value } = first;
    const { description, default: standard } = property;
    return {
      name,
      required: required.includes(name),
      ...kindOf(property, required.includes(name)),
      ...(value !== undefined && { value }),
      ...(standard !== undefined && { standard }),
      ...(typeof description === "string" && { description }),
    };
  });
}

const COMBINING = ["allOf", "anyOf", "oneOf", "not", "if", "patternProperties"];

type Kind = Pick<ClaimField, "kind" | "choices" | "min" | "max" | "maxLength">;

function kindOf(given: JsonSchema, required: boolean): Kind {
  const schema = withoutNull(given);
  const { type } = schema;
  if (Array.isArray(schema.enum)) return { kind: "choice", choices: schema.enum };
  if (schema.const !== undefined) return { kind: "choice", choices: [schema.const] };
  if (type === "boolean") return required ? { kind: "flag" } : { kind: "choice", choices: [true, false] };
  if (type === "string") return { kind: "text", ...numberOf("maxLength", schema.maxLength) };
  if (type === "number" || type === "integer")
    return { kind: "number", ...numberOf("min", schema.minimum), ...numberOf("max", schema.maximum) };
  return { kind: "json" };
}

/** The other alternative of what may be null: a field of its own for null would help few. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const [only, ...others] = listOf(schema.anyOf).filter((part) => (part as JsonSchema).type !== "null");
  if (only !== undefined && others.length === 0) return only as JsonSchema;
  const [type, ...types] = listOf(schema.type).filter((one) => one !== "null");
  return type !== undefined && types.length === 0 ? { ...schema, type } : schema;
}

function numberOf(name: string, value: unknown): object {
  // The bounds of a safe integer are no news to anyone.
  return typeof value === "number" && Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER
    ? { [name]: value }
    : {};
}

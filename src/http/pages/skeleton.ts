/** A JSON Schema. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Greatest depth: a schema can refer to itself. */
const MAX_DEPTH = 8;

const FORMATS: Readonly<Record<string, string>> = {
  date: "2027-01-01",
  "date-time": "2027-01-01T00:00:00Z",
  email: "ada@example.org",
  uri: "https://example.org",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/**
 * A starting value for a JSON Schema: its example or default, else its required members with the least value of each, such as
 * the first of an enumeration. It may be invalid: patterns and conditions are ignored.
 */
export function skeletonOf(schema: object): unknown {
  const root = schema as JsonSchema;
  const fill = (value: unknown, depth: number): unknown => {
    const schema = resolve(value, root);
    const given = givenIn(schema);
    if (given !== undefined || depth > MAX_DEPTH) return given ?? null;
    const { allOf, anyOf, oneOf } = schema;
    const parts = listOf(allOf);
    if (parts.length > 0) return Object.assign({}, ...parts.map((part) => fill(part, depth + 1)));
    const [choice] = [...listOf(anyOf), ...listOf(oneOf)];
    if (choice !== undefined) return fill(choice, depth + 1);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (type === "object") {
      const { properties = {} } = schema as { properties?: JsonSchema };
      const names = listOf(schema.required).map(String);
      return Object.fromEntries(names.map((name) => [name, fill(properties[name], depth + 1)]));
    }
    if (type === "array") {
      const tuple = listOf(schema.prefixItems);
      if (tuple.length > 0) return tuple.map((item) => fill(item, depth + 1));
      return Array.from({ length: Math.min(numberIn(schema, "minItems"), 16) }, () => fill(schema.items, depth + 1));
    }
    return least(String(type), schema);
  };
  return fill(root, 0);
}

/** A value that the schema itself contains. */
function givenIn({ examples, default: standard, const: only, enum: choices }: JsonSchema): unknown {
  return listOf(examples)[0] ?? standard ?? only ?? listOf(choices)[0];
}

function least(type: string, schema: JsonSchema): unknown {
  if (type === "string")
    return FORMATS[String(schema.format)] ?? "x".repeat(Math.min(numberIn(schema, "minLength"), 255));
  if (type === "boolean") return false;
  if (type !== "number" && type !== "integer") return null;
  return numberWithin(schema);
}

/** The least number within the bounds, not negative if possible. */
function numberWithin(schema: JsonSchema): number {
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const from = typeof above === "number" ? Math.floor(above) + 1 : Math.max(numberIn(schema, "minimum"), 0);
  const most = typeof below === "number" ? Math.ceil(below) - 1 : numberIn(schema, "maximum", from);
  return Math.min(from, most);
}

/** Follows `$ref` to a definition of the same schema. */
export function resolve(schema: unknown, root: JsonSchema): JsonSchema {
  if (typeof schema !== "object" || schema === null) return {};
  const { $ref } = schema as JsonSchema;
  if (typeof $ref !== "string") return schema as JsonSchema;
  const names = $ref.split("/").slice(1);
  const found = names.reduce<unknown>((at, name) => (at as JsonSchema | undefined)?.[name], root);
  return (found ?? {}) as JsonSchema;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberIn(schema: JsonSchema, keyword: string, otherwise = 0): number {
  const value = schema[keyword];
  return typeof value === "number" ? value : otherwise;
}

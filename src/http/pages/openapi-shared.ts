import type { JsonSchema } from "./openapi-errors.ts";

type Operation = { responses?: Record<string, JsonSchema> };

/**
 * The paths with each error response once, in `responses` by a name such as `401-2`. Most operations have the same ones, and
 * Swagger UI reads the whole document whenever an operation is opened.
 */
export function shareResponses(paths: JsonSchema): { paths: JsonSchema; responses: JsonSchema } {
  const names = new Map<string, string>();
  const responses: JsonSchema = {};

  function share([status, response]: [string, JsonSchema]): [string, JsonSchema] {
    if (Number(status) < 400) return [status, response];
    const key = status + JSON.stringify(response);
    const name = names.get(key) ?? `${status}-${names.size + 1}`;
    names.set(key, name);
    responses[name] = response;
    return [status, { $ref: `#/components/responses/${name}` }];
  }

  const shareIn = (operation: Operation) =>
    operation.responses === undefined
      ? operation
      : { ...operation, responses: Object.fromEntries(Object.entries(operation.responses).map(share)) };
  const shared = mapValues(paths, (path) => mapValues(path as Record<string, Operation>, shareIn));
  return { paths: shared, responses };
}

function mapValues<Value>(record: Record<string, Value>, change: (value: Value) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

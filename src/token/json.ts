const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Names that reach an object's prototype or change how it serialises, in some reader or other. */
const FORBIDDEN_NAMES = new Set(["__proto__", "constructor", "prototype", "toJSON"]);

const MAX_JSON_DEPTH = 16;

type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/**
 * Reads bytes as one JSON object that every reader understands alike: valid UTF-8 without a byte
 * order mark, no member named twice (RFC 7515 §4 leaves that open; readers differ), and only values
 * that {@link jsonFault} allows. Returns `undefined` for anything else; never throws.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!isPlainObject(value) || jsonFault(value) !== undefined) return undefined;
    // What serialises back to itself cannot have named a member twice; only the rest is scanned.
    if (JSON.stringify(value) !== text && repeatsMember(text)) return undefined;
    return value as JsonObject;
  } catch {
    return undefined;
  }
}

/**
 * Says what keeps a value from being carried in a token, or `undefined` if nothing does. Refused:
 * whatever JSON cannot express, non-finite numbers, lone surrogates, names that reach a prototype,
 * and nesting deeper than {@link MAX_JSON_DEPTH}.
 */
export function jsonFault(value: unknown, depth = 0): string | undefined {
  if (value === null || typeof value === "boolean") return undefined;
  if (typeof value === "string") return value.isWellFormed() ? undefined : "has a lone surrogate";
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "has a number that is not finite";
  if (depth >= MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH} levels`;
  if (Array.isArray(value)) return firstFault(value, depth);
  if (!isPlainObject(value)) return "has a value that JSON cannot express";
  for (const name of Object.keys(value)) {
    if (FORBIDDEN_NAMES.has(name)) return "has a member with a forbidden name";
    if (!name.isWellFormed()) return "has a lone surrogate";
  }
  return firstFault(Object.values(value), depth);
}

function firstFault(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const fault = jsonFault(value, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const STRING_OR_BRACE = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** Whether valid JSON text names a member twice in one object, after unescaping (`s\u0075b` is `sub`). */
function repeatsMember(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [lexeme, colon] of text.matchAll(STRING_OR_BRACE)) {
    if (lexeme === "{") open.push(new Set());
    else if (lexeme === "}") open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1);
      const name: string = JSON.parse(lexeme.slice(0, -colon.length));
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}

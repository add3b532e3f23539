const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Names that reach the prototype of an object, or change its serialisation, in some parsers. */
const FORBIDDEN_NAMES = new Set(["__proto__", "constructor", "prototype", "toJSON"]);

/** Whether a member may not have this name in any JSON that is read here. */
export function isForbiddenName(name: string): boolean {
  return FORBIDDEN_NAMES.has(name);
}

const MAX_JSON_DEPTH = 16;

type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/** Decodes UTF-8; `undefined` if invalid. Replacement characters would make different bytes the same text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Parses a JSON object that every parser understands in the same way: valid UTF-8 without a byte order mark, without an error
 * of {@link validateJsonText} or {@link validateJson}. Returns `undefined` for anything else; never throws.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  const text = decodeUtf8(bytes);
  return text === undefined ? undefined : parseJsonText(text);
}

/** {@link parseJsonObject} of well-formed text. */
export function parseJsonText(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isPlainObject(value) || validateJson(value) !== undefined || validateJsonText(text, value) !== undefined)
      return undefined;
    return value as JsonObject;
  } catch {
    return undefined;
  }
}

/**
 * The error of a value that no token can contain, or `undefined`: values that JSON cannot express, numbers above 2^53 - 1
 * (RFC 7493 §2.2), lone surrogates, names that reach a prototype, and nesting deeper than {@link MAX_JSON_DEPTH}.
 */
export function validateJson(value: unknown, depth = 0): string | undefined {
  if (value === null || typeof value === "boolean") return undefined;
  if (typeof value === "string") return value.isWellFormed() ? undefined : "has a lone surrogate";
  if (typeof value === "number")
    return isExact(value) ? undefined : "has a number beyond 2^53 - 1: send it as a string";
  if (depth >= MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH} levels`;
  if (Array.isArray(value)) return firstError(value, depth);
  if (!isPlainObject(value)) return "has a value that JSON cannot express";
  for (const name in value) {
    if (isForbiddenName(name)) return "has a member with a forbidden name";
    const fault = name.isWellFormed() ? validateJson(value[name], depth + 1) : "has a lone surrogate";
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function firstError(values: readonly unknown[], depth: number): string | undefined {
  for (const value of values) {
    const fault = validateJson(value, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isExact(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const LEXEME = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]|-?\d[\d.eE+-]*/g;
const NOT_ZERO = /^[-0.]*[1-9]/;

/**
 * The error of a text that lost something in parsing, or `undefined`: a duplicate member name, after unescaping (`s\u0075b`
 * is `sub`; parsers differ in which one they use, RFC 8259 §4), or a number that became zero.
 */
export function validateJsonText(text: string, value: unknown): string | undefined {
  if (hasAllStrings(value, text)) return undefined;
  const open: Set<string>[] = [];
  for (const [lexeme, colon] of text.matchAll(LEXEME)) {
    if (lexeme === "{") open.push(new Set());
    else if (lexeme === "}") open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1);
      const name: string = JSON.parse(lexeme.slice(0, -colon.length));
      if (names?.has(name)) return "names a member twice";
      names?.add(name);
    } else if (NOT_ZERO.test(lexeme) && Number(lexeme) === 0) return "has a number too small to be kept";
  }
  return undefined;
}

/**
 * Whether a value has as many strings as its text, names included, and no zero. Then no name was dropped: without an escape,
 * each string of the text has two quotes. Fast path: only other texts are scanned.
 */
function hasAllStrings(value: unknown, text: string): boolean {
  if (text.includes("\\")) return false;
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes === 2 * countStrings(value, 0);
}

/** Not a number for a value with a zero, and for one that is nested too deep. */
function countStrings(value: unknown, depth: number): number {
  if (typeof value === "string") return 1;
  if (value === 0 || depth > MAX_JSON_DEPTH) return Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const part of value) count += countStrings(part, depth + 1);
  else for (const name in value) count += 1 + countStrings((value as JsonObject)[name], depth + 1);
  return count;
}

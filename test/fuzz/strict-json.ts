import { isUtf8 } from "node:buffer";

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 forbids just these
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

const FORBIDDEN = ["__proto__", "constructor", "prototype", "toJSON"];
const MAX_DEPTH = 16;

/**
 * Reads bytes as a JSON object that a token may contain: a second implementation, by the grammar of RFC 8259 and without
 * `JSON.parse`, to compare with the parser of tokens.
 */
export function readStrictly(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes).toString("utf8");
  let at = 0;

  function take(pattern: RegExp): string {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) throw new SyntaxError();
    at += found.length;
    return found;
  }

  function takeIf(character: string): boolean {
    take(SPACE);
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }

  function expect(character: string): void {
    if (!takeIf(character)) throw new SyntaxError();
  }

  function string(): string {
    const value: string = JSON.parse(take(STRING));
    if (!value.isWellFormed()) throw new SyntaxError();
    return value;
  }

  function list(end: string, item: () => void): void {
    if (takeIf(end)) return;
    do item();
    while (takeIf(","));
    expect(end);
  }

  function value(depth: number): unknown {
    take(SPACE);
    const first = text[at] ?? "";
    if ((first === "{" || first === "[") && depth >= MAX_DEPTH) throw new RangeError();
    if (takeIf("{")) return object(depth + 1);
    if (takeIf("[")) return array(depth + 1);
    if (first === '"') return string();
    if (/[-\d]/.test(first)) return number(take(NUMBER));
    return JSON.parse(take(WORD));
  }

  function object(depth: number): Record<string, unknown> {
    const members: [string, unknown][] = [];
    list("}", () => {
      take(SPACE);
      const name = string();
      if (FORBIDDEN.includes(name) || members.some(([other]) => other === name)) throw new SyntaxError();
      expect(":");
      members.push([name, value(depth)]);
    });
    return Object.fromEntries(members);
  }

  function array(depth: number): unknown[] {
    const items: unknown[] = [];
    list("]", () => items.push(value(depth)));
    return items;
  }

  try {
    expect("{");
    const read = object(1);
    take(SPACE);
    return at === text.length ? read : undefined;
  } catch {
    return undefined;
  }
}

/** A number that survives: none beyond 2^53 - 1, and none that becomes zero. */
function number(text: string): number {
  const value = Number(text);
  const isZero = /^-?[0.]+(?:[eE].*)?$/.test(text);
  if (Math.abs(value) > 2 ** 53 - 1 || (value === 0) !== isZero) throw new RangeError();
  return value;
}

import { isPlainObject } from "../../token/json.ts";

/** By value: `undefined` after its first use. */
const texts = new WeakMap<object, string | undefined>();

/**
 * `JSON.stringify`, which caches the text of data that cannot change, from its second use on: the claims of a token that is
 * verified often are one object, and serialising them takes as long as verifying.
 */
export function stringify(value: unknown): string | undefined {
  if (!isObject(value) || !Object.isFrozen(value)) return JSON.stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(value);
  if (!texts.has(value)) texts.set(value, undefined);
  else if (isConstant(value)) texts.set(value, text);
  return text;
}

/** Whether no part can change. An accessor or a `toJSON` could return another value each time. */
function isConstant(value: unknown): boolean {
  if (typeof value === "function") return false;
  if (!isObject(value)) return true;
  if (!Object.isFrozen(value) || !(Array.isArray(value) || isPlainObject(value))) return false;
  const members = Object.values(Object.getOwnPropertyDescriptors(value));
  return members.every((member) => "value" in member && isConstant(member.value));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

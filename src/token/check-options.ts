import * as z from "zod/mini";
import { safeParse } from "zod/v4/core";
import { StartError } from "../errors.ts";

/** A schema for every option. Options without one are refused. */
export type OptionSchemas<Options> = { [Name in keyof Required<Options>]: z.core.$ZodType };

/**
 * Validates the options of a function of this package. Throws a {@link StartError} with the function, the option and its rule.
 * It quotes no value, which may be a secret.
 */
export function checkOptions<Options>(name: string, schemas: OptionSchemas<Options>, given: unknown): void {
  const { error } = safeParse(z.strictObject(schemas), given, { error: messageOf });
  if (error === undefined) return;
  // First a misspelt option: it can be the reason why another is missing.
  const unknown = error.issues.find(({ code }) => code === "unrecognized_keys");
  const [issue = unknown] = unknown === undefined ? error.issues : [unknown];
  throw new StartError(`${name}: ${issue === undefined ? "the options are wrong" : describeIssue(issue)}`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return `${path === "" ? "the options" : path} ${issue.message}`;
  const [key = ""] = issue.keys;
  return PLAIN_NAME.test(key) ? `unknown option ${path === "" ? "" : `${path}.`}${key}` : "an unknown option";
}

const PLAIN_NAME = /^[A-Za-z_]\w{0,63}$/;

/** Schema of an option that is a function. */
export const functionOption = z.custom((value) => typeof value === "function", "must be a function");

/** The year 5138 in seconds. Milliseconds since March 1973 are larger. */
const LATEST = 99_999_999_999;

/** Schema of an option that is a clock. Reads it once: a clock in milliseconds is refused. */
export const clockOption = functionOption.check(
  z.refine(
    (clock) => returnsSeconds(clock as () => unknown),
    "must return whole seconds since 1970, as () => Math.floor(Date.now() / 1000) does",
  ),
);

function returnsSeconds(clock: () => unknown): boolean {
  try {
    const now = clock();
    return Number.isInteger(now) && Number(now) > 0 && Number(now) <= LATEST;
  } catch {
    return false;
  }
}

/** Schema of an option that is an object with these functions, such as a store. */
export function objectWith(functions: readonly string[], what: string): z.core.$ZodType {
  const has = (value: object) => functions.every((name) => typeof Reflect.get(value, name) === "function");
  return z.custom((value) => typeof value === "object" && value !== null && has(value), `must be ${what}`);
}

const KINDS: Record<string, string> = {
  int: "a whole number",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

/** The message of an issue whose schema has none. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { code, input } = issue;
  if (code === "invalid_type" && input === undefined && issue.path !== undefined) return "is required";
  if (code === "invalid_type" && (input === Number.POSITIVE_INFINITY || input === Number.NEGATIVE_INFINITY))
    return `must be ${KINDS[issue.expected] ?? issue.expected}, and not infinite`;
  if (code === "invalid_type") return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (code === "too_small") return limit(issue.origin, issue.inclusive ? "at least" : "more than", issue.minimum);
  if (code === "too_big") return limit(issue.origin, "at most", issue.maximum);
  return undefined;
}

function limit(origin: string, how: string, bound: number | bigint): string {
  if (origin === "string") return `must have ${how} ${bound} characters`;
  return origin === "array" ? `must have ${how} ${bound} entries` : `must be ${how} ${bound}`;
}

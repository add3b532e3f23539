import { z } from "zod";
import { StartError } from "../errors.ts";

/** The schema of one option each. Every option has one, and what has none is refused. */
export type OptionSchemas<Options> = { [Name in keyof Required<Options>]: z.ZodType };

/**
 * Checks the options that a function of this package was given. Throws a {@link StartError} that names the function and the
 * option, says what it must be, and quotes no value: it may be a secret.
 */
export function checkOptions<Options>(name: string, schemas: OptionSchemas<Options>, given: unknown): void {
  const { error } = z.strictObject(schemas).safeParse(given, { error: sentenceOf });
  if (error === undefined) return;
  // One that is misspelt comes first: that another is missing may be why.
  const unknown = error.issues.find(({ code }) => code === "unrecognized_keys");
  const [issue = unknown] = unknown === undefined ? error.issues : [unknown];
  throw new StartError(`${name}: ${issue === undefined ? "the options are wrong" : inWords(issue)}`);
}

function inWords(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return `${path === "" ? "the options" : path} ${issue.message}`;
  const [key = ""] = issue.keys;
  return `there is no option ${path === "" ? "" : `${path}.`}${PLAIN_NAME.test(key) ? key : "of some of these names"}`;
}

const PLAIN_NAME = /^[A-Za-z_]\w{0,63}$/;

/** What an option that is a function must be. */
export const functionOption = z.custom((value) => typeof value === "function", "must be a function");

/** Seconds until the year 5138. In milliseconds, each moment since March 1973 is a larger number. */
const LATEST = 99_999_999_999;

/** What an option that is a clock must be. It is read once, since no token could be issued or verified by a wrong one. */
export const clockOption = functionOption.refine(
  (clock) => givesSeconds(clock as () => unknown),
  "must give whole seconds since 1970, as () => Math.floor(Date.now() / 1000) does",
);

function givesSeconds(clock: () => unknown): boolean {
  try {
    const now = clock();
    return Number.isInteger(now) && Number(now) > 0 && Number(now) <= LATEST;
  } catch {
    return false;
  }
}

/** What an option must be that is an object with these functions, as a store is. */
export function objectWith(functions: readonly string[], what: string): z.ZodType {
  const has = (value: object) => functions.every((name) => typeof Reflect.get(value, name) === "function");
  return z.custom((value) => typeof value === "object" && value !== null && has(value), `must be ${what}`);
}

const KINDS: Record<string, string> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

/** Says what is wrong where a schema does not say so itself. */
function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  const { code, input } = issue;
  if (code === "invalid_type" && input === undefined && issue.path !== undefined) return "must be given";
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

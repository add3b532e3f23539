import { decodeUtf8 } from "../token/json.ts";

/** The parameters of a request. Names and values are case-sensitive. */
export type Form = {
  /** All but `resource`. Contains no empty value: such a parameter counts as omitted (RFC 6749 §3.1 and §3.2). */
  parameters: ReadonlyMap<string, string>;
  /** The resource indicators, which alone may be repeated (RFC 8707 §2). */
  resources: readonly string[];
};

/** `description` is for developers, in the characters of `error_description` (RFC 6749 §5.2). It quotes no value. */
export type FormOutcome = { outcome: "read"; form: Form } | { outcome: "invalid_request"; description: string };

const MAX_PARAMETERS = 64;
const RESOURCE = "resource";

/**
 * Reads the body of a request to an OAuth endpoint: `application/x-www-form-urlencoded` in UTF-8, at most 64 parameters.
 * Refuses repeated parameters, also with empty values, as parsers differ in which one they use; and malformed escapes.
 * Not checked: the size of the body, and which parameters an endpoint knows.
 */
export function readForm(body: Uint8Array, contentType: string | undefined): FormOutcome {
  const problem = contentTypeProblem(contentType);
  if (problem !== undefined) return invalid(problem);
  const text = decodeUtf8(body);
  return text === undefined ? invalid("The body is not valid UTF-8.") : parseParameters(text);
}

const MEDIA_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;(.*))?$/i;
const CHARSET = /(?:^|;)[ \t]*charset[ \t]*=[ \t]*"?([^";]*)/gi;

function contentTypeProblem(contentType = ""): string | undefined {
  const [match, parameters = ""] = MEDIA_TYPE.exec(contentType.trim()) ?? [];
  if (match === undefined) return "The Content-Type must be application/x-www-form-urlencoded.";
  const isUtf8 = [...parameters.matchAll(CHARSET)].every(([, charset = ""]) => /^utf-?8$/i.test(charset.trim()));
  return isUtf8 ? undefined : "The charset of the body must be UTF-8.";
}

/** Parses a form or a query string without its question mark, as {@link readForm} does. */
export function parseParameters(text: string): FormOutcome {
  const parameters = new Map<string, string>();
  const resources: string[] = [];
  let count = 0;
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    count += 1;
    if (count > MAX_PARAMETERS) return invalid(`A request has at most ${MAX_PARAMETERS} parameters.`);
    const mark = pair.indexOf("=");
    const name = decode(mark < 0 ? pair : pair.slice(0, mark));
    if (name === undefined) return invalid("The name of a parameter has a malformed percent escape.");
    const value = decode(mark < 0 ? "" : pair.slice(mark + 1));
    if (value === undefined) return invalid(`${labelOf(name)} has a malformed percent escape.`);
    if (parameters.has(name)) return invalid(`${labelOf(name)} is repeated.`);
    if (name !== RESOURCE) parameters.set(name, value);
    else if (value !== "") resources.push(value);
  }
  for (const [name, value] of parameters) if (value === "") parameters.delete(name);
  return { outcome: "read", form: { parameters, resources } };
}

/** `undefined` for a malformed escape, or bytes that are not UTF-8. Replacement characters would make different values equal. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** Names only what RFC 6749 §8.2 allows as a name: others may have characters that a description cannot have. */
function labelOf(name: string): string {
  return /^[A-Za-z0-9._-]{1,64}$/.test(name) ? `The parameter ${name}` : "A parameter";
}

function invalid(description: string): FormOutcome {
  return { outcome: "invalid_request", description };
}

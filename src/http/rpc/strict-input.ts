import type { TRPCError } from "@trpc/server";
import { MintmarkError, type Reason } from "../../errors.ts";
import { plainName } from "../../router/error-shape.ts";
import { isPlainObject, validateJson, validateJsonText } from "../../token/json.ts";
import { toTrpcError } from "../../verifier/middleware/trpc-error.ts";
import { textOf } from "../request/body.ts";
import type { InputRules, InputSource } from "./inputs.ts";

const CALL = /^(?:0|[1-9]\d*)$/;

/**
 * Parses inputs as strictly as tokens: rejects input that two parsers could read differently, and parts that would be
 * ignored or changed. Throws a `TRPCError` whose cause is a {@link MintmarkError}.
 */
export const strictRules: InputRules = {
  read(sent, source) {
    const fault = queryError(source);
    if (fault !== undefined) throw invalidInput("malformed_request", fault);
    const text = typeof sent === "string" ? sent : textOf(sent ?? new Uint8Array());
    if (text === undefined) throw invalidInput("malformed_request", "has bytes that are not UTF-8");
    if (text === "") return undefined;
    const value: unknown = JSON.parse(text);
    const textual = validateJsonText(text, value);
    if (textual !== undefined) throw invalidInput("malformed_request", textual);
    if (source.isBatch && isPlainObject(value) && !areCallInputs(Object.keys(value), source.target.path))
      throw invalidInput("malformed_request", 'has an input of no call: those of a batch are sent as {"0": …, "1": …}');
    return value;
  },

  check(input) {
    // The schema rejects unknown names.
    if (isPlainObject(input)) for (const name of Object.keys(input)) checkValue(input[name], plainName(name));
    else if (input !== undefined) checkValue(input, "");
  },
};

function areCallInputs(names: readonly string[], path: string): boolean {
  const count = countCalls(path);
  return names.every((name) => CALL.test(name) && Number(name) < count);
}

function checkValue(value: unknown, path: string): void {
  const fault = validateJson(value);
  if (fault !== undefined) throw invalidInput("invalid_request", fault, path);
}

function invalidInput(reason: Reason, message: string, path = ""): TRPCError {
  return toTrpcError(new MintmarkError(reason, { issues: [{ path, message }] }));
}

const PRINTABLE = /^[!-"$-~]*$/;
const HOW = "send the input as JSON, URL-encoded in `input`, or by POST as the body";

/** Spellings of each query parameter. */
const CALL_PARAMETERS = new Map([
  ["input", "input"],
  ["batch", "batch"],
]);
const SUBSCRIPTION_PARAMETERS = new Map([
  ...CALL_PARAMETERS,
  // Sent by tRPC's link for subscriptions if configured; ignored here.
  ["connectionParams", "connectionParams"],
  ["lastEventId", "lastEventId"],
  ["Last-Event-Id", "lastEventId"],
]);

/** Number of calls in a batch. tRPC decodes the path before it splits it, so `%2C` separates too. */
export function countCalls(path: string): number {
  return /[,%]/.test(path) ? path.split(/,|%2c/i).length : 1;
}

/**
 * Describes what is wrong with the query of a call. Rejects unknown parameters, whose input would be ignored, and repeated
 * ones, of which a proxy may have read the other.
 */
function queryError({ request, target: { query }, isSubscription = false }: InputSource): string | undefined {
  const { method } = request;
  if (method === "GET" && hasBody(request)) return `has a body in a GET: ${HOW}`;
  if (query === "" || query === "batch=1") return undefined;
  if (!PRINTABLE.test(query)) return "has a query that is not URL-encoded";
  const known = isSubscription ? SUBSCRIPTION_PARAMETERS : CALL_PARAMETERS;
  const seen = new Set<string>();
  for (const parameter of query.split("&")) {
    if (parameter === "") continue;
    const [name, value] = parameter.split(/=(.*)/s).map(decoded);
    if (name === undefined || (value === undefined && parameter.includes("="))) return "has a query that is not UTF-8";
    const meaning = known.get(name);
    if (meaning === undefined) return `has an unknown query parameter: ${HOW}`;
    if (seen.has(meaning)) return `has the query parameter ${meaning} twice`;
    if (meaning === "batch" && value !== "1") return "has a batch other than batch=1";
    if (meaning === "input" && method === "POST") return "has an input in the URL of a POST: send it as the body";
    if (meaning === "input" && !value) return `has an empty input in its query: leave it out, or ${HOW}`;
    seen.add(meaning);
  }
  return undefined;
}

/** A body of a GET has no defined meaning (RFC 9110 §9.3.1), but its sender meant it as the input. */
function hasBody({ headers }: InputSource["request"]): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Percent-decodes; `undefined` if the bytes are not UTF-8, since a replacement character would make different bytes equal. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

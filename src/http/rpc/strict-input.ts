import type { TRPCError } from "@trpc/server";
import { MintmarkError, type Reason } from "../../errors.ts";
import { plainName } from "../../router/procedure.ts";
import { decodeUtf8, isPlainObject, validateJson, validateJsonText } from "../../token/json.ts";
import { toTrpcError } from "../../verifier/middleware/trpc-error.ts";
import type { InputRules, InputSource } from "./inputs.ts";
import { countCalls, queryError } from "./query.ts";

const BYTE_ORDER_MARK = 0xfeff;
const CALL = /^(?:0|[1-9]\d*)$/;

/**
 * Reads inputs as tokens are read: what two readers could understand differently is refused, and so is what would be
 * ignored or changed. Throws a `TRPCError` that is caused by a {@link MintmarkError}.
 */
export const strictRules: InputRules = {
  read(sent, source) {
    const fault = queryError(source);
    if (fault !== undefined) throw rejectInput("malformed_request", fault);
    const text = typeof sent === "string" ? sent : textOf(sent ?? new Uint8Array());
    if (text === undefined) throw rejectInput("malformed_request", "has bytes that are not UTF-8");
    if (text === "") return undefined;
    const value: unknown = JSON.parse(text);
    const textual = validateJsonText(text, value);
    if (textual !== undefined) throw rejectInput("malformed_request", textual);
    if (source.isBatch && isPlainObject(value) && !areCallInputs(Object.keys(value), source))
      throw rejectInput("malformed_request", 'has an input of no call: those of a batch are sent as {"0": …, "1": …}');
    return value;
  },

  check(input) {
    // Names that an input does not have are refused by its schema, which says so.
    if (isPlainObject(input)) for (const name of Object.keys(input)) checkValue(input[name], plainName(name));
    else if (input !== undefined) checkValue(input, "");
  },
};

function areCallInputs(names: readonly string[], { request: { url = "" } }: InputSource): boolean {
  const [path = ""] = url.split("?", 1);
  const count = countCalls(path);
  return names.every((name) => CALL.test(name) && Number(name) < count);
}

/** Parsers may ignore a byte order mark (RFC 8259 §8.1), and programs of Windows write one. It makes no two texts one. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  return text?.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

function checkValue(value: unknown, path: string): void {
  const fault = validateJson(value);
  if (fault !== undefined) throw rejectInput("invalid_request", fault, path);
}

function rejectInput(reason: Reason, message: string, path = ""): TRPCError {
  return toTrpcError(new MintmarkError(reason, { issues: [{ path, message }] }));
}

import type { IncomingMessage } from "node:http";
import { isPlainObject } from "../../token/json.ts";
import { readBodyOrParsed } from "./form-body.ts";

/** Reads the body of a JSON document, also where a parser of the application has read it. */
export function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return readBodyOrParsed(request, { maxBytes, encode: encodedJson });
}

function encodedJson(body: unknown): Uint8Array | undefined {
  return isPlainObject(body) ? Buffer.from(JSON.stringify(body)) : undefined;
}

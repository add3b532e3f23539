import type { IncomingMessage } from "node:http";
import { MintmarkError } from "../../errors.ts";
import { invalidRequest } from "../../oauth/request.ts";
import { isPlainObject } from "../../token/json.ts";
import { MAX_BODY_BYTES, readBody } from "./body.ts";

const CONSUMED =
  "The body was read before this handler: put it before other parsers, or after one that sets request.body, such as express.urlencoded.";

type Encoding = {
  maxBytes: number;
  /** Encodes what a parser of the application has set as `body`; `undefined` for what it cannot be. */
  encode: (body: unknown) => Uint8Array | undefined;
};

/**
 * Reads the body of a form. Where a parser of the application has read it, encodes what that set as `body`: a text, bytes, or
 * an object with a text, or a list of texts, for each name. Throws `invalid_request` for any other `body`.
 */
export function readFormBody(request: IncomingMessage): Promise<Uint8Array> {
  return readBodyOrParsed(request, { maxBytes: MAX_BODY_BYTES, encode: encodedForm });
}

/** Reads a body, or encodes what a parser of the application has made of it. */
export async function readBodyOrParsed(
  request: IncomingMessage & { body?: unknown },
  { maxBytes, encode }: Encoding,
): Promise<Uint8Array> {
  // Some parsers set a `body` although they leave the request to others.
  if (!request.readableDidRead && !request.readableEnded) return readBody(request, maxBytes);
  const { body } = request;
  const bytes = typeof body === "string" ? Buffer.from(body) : body instanceof Uint8Array ? body : encode(body);
  if (bytes === undefined) throw invalidRequest(CONSUMED);
  if (bytes.length > maxBytes) throw new MintmarkError("payload_too_large");
  return bytes;
}

function encodedForm(body: unknown): Uint8Array | undefined {
  if (!isPlainObject(body)) return undefined;
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(body))
    for (const value of [values].flat()) {
      if (typeof value !== "string") return undefined;
      form.append(name, value);
    }
  return Buffer.from(form.toString());
}

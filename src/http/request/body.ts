import type { IncomingMessage } from "node:http";
import { MintmarkError, type Reason } from "../../errors.ts";
import { decodeUtf8 } from "../../token/json.ts";

/** Longest body of a call, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

const BYTE_ORDER_MARK = 0xfeff;

/**
 * Reads the body of a request. Rejects with `payload_too_large` as soon as it exceeds `maxBytes`, and with
 * `client_closed_request` where the client disconnects first.
 */
export function readBody(request: IncomingMessage, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  if (request.destroyed) return Promise.reject(new MintmarkError("client_closed_request"));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (reason: Reason) => {
      request.off("data", onData);
      reject(new MintmarkError(reason));
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxBytes) fail("payload_too_large");
    };
    request.on("data", onData);
    request.once("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once("error", () => fail("client_closed_request"));
  });
}

/** A body as text: `undefined` unless it is UTF-8. Drops a byte order mark (RFC 8259 §8.1), which Windows programs write. */
export function textOf(bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  return text?.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

import type { ServerResponse } from "node:http";
import { isTrackedEnvelope } from "@trpc/server";

/** An event, and the same as a chunk of HTTP (RFC 9112 §7.1). */
type EventBytes = { event: Buffer; chunk: Buffer };

/**
 * Writes to the socket where the response has one: Node would write each chunk in three parts, which takes half as long again.
 * Returns whether there is room for more.
 */
export function writeEvent(response: ServerResponse, { event, chunk }: EventBytes): boolean {
  const { socket, chunkedEncoding } = response;
  return socket === null || !chunkedEncoding ? response.write(event) : socket.write(chunk);
}

const formatted = new WeakMap<object, EventBytes>();

/** The event of a value, tracked or not. Formatted once where it is shared, by the data: an object that never changes. */
export function eventOf(value: unknown, { isShared = false }: { isShared?: boolean | undefined }): EventBytes {
  const [id, data] = isTrackedEnvelope(value) ? value : [undefined, value];
  const shared = isShared && typeof data === "object" && data !== null ? data : undefined;
  const known = shared && formatted.get(shared);
  if (known !== undefined) return known;
  const text = format({ data: JSON.stringify(data), id });
  const length = Buffer.byteLength(text);
  const head = `${length.toString(16)}\r\n`;
  const chunk = Buffer.from(`${head}${text}\r\n`);
  const bytes = { event: chunk.subarray(head.length, head.length + length), chunk };
  if (shared !== undefined) formatted.set(shared, bytes);
  return bytes;
}

/** Formats an event (HTML standard §9.2.5). No field contains a line break: the data is JSON. */
export function format({ event, data, id }: { event?: string; data: string; id?: string | undefined }): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n${id === undefined ? "" : `id: ${id}\n`}\n`;
}

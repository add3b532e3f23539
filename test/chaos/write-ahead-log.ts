import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Random } from "../support/random.ts";

/** A place in the write-ahead log of SQLite (file format §4.1): which log it is, and how long it is so far. */
export type LogPosition = { salt: string; bytes: number };

const HEADER = 32;
const FRAME_HEADER = 24;
const PAGE_SIZE_AT = 8;
/** Of both headers: 8 bytes that are others in each log that is begun in the same file. */
const SALT_AT = { header: 16, frame: 8 };

/** Finds the end of what the log holds. Where it is known up to a place, it is read from there on. */
export function readPosition(file: string, from?: LogPosition): LogPosition | undefined {
  const descriptor = openSync(file, "r");
  try {
    const header = Buffer.alloc(HEADER);
    if (readSync(descriptor, header, 0, HEADER, 0) < HEADER) return undefined;
    const saltOf = (bytes: Buffer, at: number) => bytes.toString("hex", at, at + 8);
    const salt = saltOf(header, SALT_AT.header);
    const length = FRAME_HEADER + header.readUInt32BE(PAGE_SIZE_AT);
    const frame = Buffer.alloc(FRAME_HEADER);
    let bytes = from?.salt === salt ? from.bytes : HEADER;
    while (readSync(descriptor, frame, 0, FRAME_HEADER, bytes) === FRAME_HEADER) {
      if (saltOf(frame, SALT_AT.frame) !== salt) break;
      bytes += length;
    }
    return { salt, bytes };
  } finally {
    closeSync(descriptor);
  }
}

/** What a disk makes of bytes that it was not told to keep: nothing, zeros, or something else, and not always of all. */
export function loseBytes(file: string, { from, to, random }: { from: number; to: number; random: Random }): void {
  const start = Math.floor(random.between(from, to));
  const descriptor = openSync(file, "r+");
  const how = random.pick(["cut off", "zeros", "garbage"] as const);
  if (how === "cut off") ftruncateSync(descriptor, start);
  else {
    const length = Math.ceil(random.between(0, to - start));
    const bytes = Buffer.alloc(length);
    if (how === "garbage") for (let at = 0; at < length; at += 1) bytes[at] = Math.floor(random.between(0, 256));
    writeSync(descriptor, bytes, 0, length, start);
  }
  closeSync(descriptor);
}

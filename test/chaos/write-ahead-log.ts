import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Random } from "../support/random.ts";

/** A position in the write-ahead log of SQLite (file format §4.1): the log, and its length so far. */
export type LogPosition = { salt: string; bytes: number };

const HEADER = 32;
const FRAME_HEADER = 24;
const PAGE_SIZE_AT = 8;
/** 8 bytes of both headers that differ in each log begun in the same file. */
const SALT_AT = { header: 16, frame: 8 };

/** Finds the end of the log, from a known position on if there is one. */
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

/** Cuts off, zeroes or garbles bytes that were not synced, from a random byte on. */
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

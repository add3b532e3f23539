import { Writable } from "node:stream";
import pino from "pino";

/** A real logger of every level, and its lines. */
export function captureLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, logger: pino({ level: "trace" }, stream) };
}

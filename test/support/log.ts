import { Writable } from "node:stream";
import pino from "pino";

/** A real logger at its most talkative, and everything that it wrote. */
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

import { connect } from "node:net";
import { type Answer, takeAnswers } from "./answers.ts";

/** Bytes that are sent over one connection without waiting for answers in between (RFC 9112 §9.3.2). */
export type Sent = {
  requests: readonly Buffer[];
  /** The last number of the source address: failures are limited by address. */
  from: number;
};

/** The answers. `gap` is the longest wait for one, in milliseconds. */
export type Reply = { answers: Answer[]; rest: Buffer; gap: number };

/** In milliseconds. The server closes an idle connection earlier. */
const TIMEOUT_MS = 60_000;

/** Milliseconds without an answer until the client half-closes: truncated requests get no answer. */
const HALF_CLOSE_MS = 400;

/** Sends everything over one connection, and reads an answer for each request or until the server closes. */
export function converse(port: number, { requests, from }: Sent): Promise<Reply> {
  const isHead = (index: number) => /^\s*HEAD /.test(requests[index]?.toString("latin1", 0, 8) ?? "");
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + (from % 250)}` });
    const answers: Answer[] = [];
    let received: Buffer = Buffer.alloc(0);
    let [receivedAt, gap] = [performance.now(), 0];
    const hesitation = setTimeout(() => {
      receivedAt = performance.now();
      socket.end();
    }, HALF_CLOSE_MS);

    function read(isEnd: boolean): void {
      const taken = takeAnswers(received, { isEnd, isHead: (index) => isHead(answers.length + index) });
      received = taken.rest;
      if (taken.answers.length === 0) return;
      const now = performance.now();
      [gap, receivedAt] = [Math.max(gap, now - receivedAt), now];
      answers.push(...taken.answers);
      hesitation.refresh();
    }

    function tryToRead(isEnd: boolean): void {
      try {
        read(isEnd);
      } catch (error) {
        reject(error);
        socket.destroy();
      }
    }

    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`was not answered within ${TIMEOUT_MS / 1000} s`)));
    socket.on("connect", () => {
      receivedAt = performance.now();
      socket.write(Buffer.concat(requests));
    });
    socket.on("data", (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      tryToRead(false);
      const isFeed = answers.at(-1)?.headers.get("content-type") === "text/event-stream";
      if (isFeed || answers.length >= requests.length) socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A server may close while bytes are on their way to it.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => {
      clearTimeout(hesitation);
      tryToRead(true);
      resolve({ answers, rest: received, gap });
    });
  });
}

import { once } from "node:events";
import type { Socket } from "node:net";
import { dial, received } from "./raw.ts";

export type LateBody = {
  /** The path below the root, with its query. */
  path: string;
  /** Default: `/trpc/`. */
  root?: string;
  headers?: Record<string, string>;
  body: string;
};

/**
 * Sends the head of a POST, and resolves when the server asks for the body (RFC 9110 §10.1.1). `finish` sends the body and
 * returns the answer. Closed at the end of its block.
 */
export async function sendHead(url: string, { path, root = "/trpc/", headers = {}, body }: LateBody) {
  const socket = await dial(url);
  const lines = Object.entries({
    host: new URL(url).host,
    connection: "close",
    expect: "100-continue",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = received(socket);
  socket.write(`POST ${root}${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  await continued(socket);
  return {
    async finish(): Promise<{ status: number; text: string }> {
      socket.write(body);
      const text = (await answer).replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, "");
      return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0), text };
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function continued(socket: Socket): Promise<void> {
  const [chunk] = (await once(socket, "data", { signal: AbortSignal.timeout(15_000) })) as [Buffer];
  if (!String(chunk).startsWith("HTTP/1.1 100 ")) throw new Error(`was answered before the body: ${chunk}`);
}

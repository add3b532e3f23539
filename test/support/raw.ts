import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Longest wait for a response or the end of the connection, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** Opens a connection to write anything to, and to read as much from as one likes. */
export async function dial(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  // To be cut off in the midst of writing is an answer, too.
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** All that comes back until the server hangs up. Rejects where it does not. */
export async function received(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, "close", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return text;
}

/** Sends bytes as they stand, and gives all that comes back until the server hangs up. */
export async function raw(url: string, bytes: string): Promise<string> {
  const socket = await dial(url);
  const answer = received(socket);
  socket.write(bytes, "latin1");
  try {
    return await answer;
  } finally {
    socket.destroy();
  }
}

/** The status of every answer in what was received. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

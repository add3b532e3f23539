import { once } from "node:events";
import { connect } from "node:net";

/** What an answer may hold of what is needed later. */
type Data = { token?: string; refreshToken?: string };

export type Connection = {
  /** Calls a procedure, one at a time. */
  call(procedure: string, input: unknown): Promise<Answer>;
  end(): void;
};

/** Data, or the reason of a refusal. */
type Answer = { status: number; data?: Data | undefined; reason?: string | undefined };

const SEPARATOR = "\r\n\r\n";

/** Opens a connection that does no more than it must: what it costs is not the server's, but on the same machine. */
export async function connectTo(port: number): Promise<Connection> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1").setNoDelay(true);
  await once(socket, "connect");
  let received = "";
  let answered: (answer: Answer) => void = () => {};
  let failed: (error: Error) => void = () => {};

  socket.on("data", (chunk: string) => {
    received += chunk;
    const body = bodyOf(received);
    if (body === undefined) return;
    const status = Number(received.slice(9, 12));
    received = "";
    const { result, error } = JSON.parse(body);
    answered({ status, data: result?.data, reason: error?.data.reason });
  });
  socket.on("error", (error) => failed(error));
  socket.on("close", () => failed(new Error("the server closed a connection")));

  return {
    call(procedure, input) {
      const body = JSON.stringify(input);
      const head = `POST /trpc/${procedure} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`;
      socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}${SEPARATOR}${body}`);
      return new Promise((resolve, reject) => {
        [answered, failed] = [resolve, reject];
      });
    },
    end() {
      failed = () => {};
      socket.end();
    },
  };
}

/** The body of an answer that has come to its end. */
function bodyOf(received: string): string | undefined {
  const head = received.indexOf(SEPARATOR);
  if (head < 0) return undefined;
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, head + 2)) ?? [];
  const body = received.slice(head + SEPARATOR.length);
  return length !== undefined && body.length >= Number(length) ? body : undefined;
}

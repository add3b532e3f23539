/** HTTP/1.1 by hand: the load shares a machine with the server, so it does no more than it must. */
import { once } from "node:events";
import { connect } from "node:net";

/** One request at a time. */
export type Connection = { send(request: string): Promise<Response>; end(): void };
type Response = { status: number; body: string; location: string | undefined; fields: string };

const SEPARATOR = "\r\n\r\n";

export async function connectTo(port: number): Promise<Connection> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1").setNoDelay(true);
  await once(socket, "connect");
  let received = "";
  let [resolveResponse, rejectResponse]: [(response: Response) => void, (error: Error) => void] = [() => {}, () => {}];
  socket.on("data", (chunk: string) => {
    received += chunk;
    const response = parseResponse(received);
    if (response === undefined) return;
    received = "";
    resolveResponse(response);
  });
  socket.on("error", (error) => rejectResponse(error));
  socket.on("close", () => rejectResponse(new Error("the server closed a connection")));
  return {
    send(request) {
      socket.write(request);
      return new Promise((resolve, reject) => {
        [resolveResponse, rejectResponse] = [resolve, reject];
      });
    },
    end() {
      rejectResponse = () => {};
      socket.end();
    },
  };
}

/** Parses a response once it is complete. */
function parseResponse(received: string): Response | undefined {
  const head = received.indexOf(SEPARATOR);
  if (head < 0) return undefined;
  const body = received.slice(head + SEPARATOR.length);
  const fields = received.slice(0, head);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(fields) ?? [];
  const isWhole = length === undefined ? body.endsWith(`0${SEPARATOR}`) : body.length >= Number(length);
  if (!isWhole) return undefined;
  const [, location] = /\r\nlocation: *([^\r]*)/i.exec(fields) ?? [];
  return { status: Number(received.slice(9, 12)), body, location, fields };
}

/** Calls a procedure of Mintmark. Resolves with its data, or with the reason of an error. */
export async function call({ send }: Connection, procedure: string, input: object) {
  const { status, body } = await send(post(`/trpc/${procedure}`, { body: JSON.stringify(input) }));
  const { result, error } = JSON.parse(body) as {
    result?: { data: { token?: string; refreshToken?: string } };
    error?: { data: { reason: string } };
  };
  return { status, data: result?.data, reason: error?.data.reason };
}

type Client = { clientId: string; clientSecret: string };

export function introspect(path: string, token: string, by: Client): string {
  return postForm(path, { token }, by);
}

/** A request to an OAuth endpoint, as a client with HTTP Basic. */
export function postForm(path: string, parameters: Record<string, string>, by: Client): string {
  const body = new URLSearchParams(parameters).toString();
  return post(path, { body, type: "application/x-www-form-urlencoded", headers: [authorizationOf(by)] });
}

/** A request to a path, with the cookies of a browser. */
export function get(path: string, cookie = "", by?: Client): string {
  const head = ["Host: 127.0.0.1:3000", `Cookie: ${cookie}`, ...(by === undefined ? [] : [authorizationOf(by)])];
  return `GET ${path} HTTP/1.1\r\n${head.join("\r\n")}${SEPARATOR}`;
}

/** A request to a path, with a bearer token. */
export function getAsBearer(path: string, token: string): string {
  const head = ["Host: 127.0.0.1:3000", `Authorization: Bearer ${token}`];
  return `GET ${path} HTTP/1.1\r\n${head.join("\r\n")}${SEPARATOR}`;
}

/** A request to a procedure, as a client with HTTP Basic. */
export function postInput(path: string, input: object, by: Client): string {
  return post(path, { body: JSON.stringify(input), headers: [authorizationOf(by)] });
}

function authorizationOf({ clientId, clientSecret }: Client): string {
  return `Authorization: Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
}

type Content = { body: string; type?: string; headers?: readonly string[] };

export function post(path: string, { body, type = "application/json", headers = [] }: Content): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const head = ["Host: 127.0.0.1:3000", `Content-Type: ${type}`, length, ...headers];
  return `POST ${path} HTTP/1.1\r\n${head.join("\r\n")}${SEPARATOR}${body}`;
}

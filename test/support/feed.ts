import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TrustUpdate } from "../../src/trust/trust-update.ts";
import type { PairForge } from "./forge.ts";
import { NOW } from "./service.ts";

/** The behaviour of a service on a new connection to its feed. */
export type Script = (connection: Connection) => unknown;

export type Connection = ReturnType<typeof openConnection>;

/** An update by a sender with the monotonic clock of this process, sent now unless `at` is given. */
export function update(fields: Partial<TrustUpdate> = {}): TrustUpdate {
  return { epoch: "first", sequence: 1, at: performance.now(), ...fields };
}

/** A whole snapshot in one piece. */
export function snapshot(keys: readonly PairForge[], fields: Partial<TrustUpdate> = {}): TrustUpdate {
  return update({ reset: true, keys: trusted(keys), revocations: [], ...fields });
}

export function trusted(keys: readonly PairForge[], until?: number) {
  return keys.map(({ stored }) => ({ jwk: JSON.parse(stored.publicJwk) as object, until }));
}

export function revoked(fields: { kind: "token" | "subject" | "client" | "session"; id: string; sequence?: number }) {
  return { sequence: 2, until: NOW + 900, ...fields };
}

/**
 * A service on a free port whose feed follows scripts: one for each connection, the last one for all that follow.
 */
export async function startFeed(...scripts: Script[]) {
  const connections: Connection[] = [];
  const answer = { jwks: notFound, asked: 0 };
  const server = createServer((request, response) => {
    if (request.url === "/.well-known/jwks.json") {
      answer.asked += 1;
      answer.jwks(request, response);
      return;
    }
    const connection = openConnection(request, response);
    connections.push(connection);
    const script = scripts[Math.min(connections.length, scripts.length) - 1];
    script?.(connection);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    /** Answers and counts requests for the JWK Set. */
    answer,
    openSockets: () =>
      new Promise<number>((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      for (const { end } of connections) end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end();
}

/** Answers with a JWK Set. */
export function publish(keys: readonly object[], headers: Record<string, string> = {}) {
  return (_: IncomingMessage, response: ServerResponse) =>
    void response
      .writeHead(200, { "content-type": "application/jwk-set+json", ...headers })
      .end(JSON.stringify({ keys }));
}

function openConnection(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://127.0.0.1");
  const input = JSON.parse(searchParams.get("input") ?? "null") as { after?: string } | null;
  let heart: NodeJS.Timeout | undefined;
  response.on("close", () => clearInterval(heart));

  function write(text: string | Uint8Array): void {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text);
  }
  const event = (name: string, data: unknown) => write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n\n`);

  /** Writes an update as tRPC does, in one piece. */
  function send(message: TrustUpdate, cursor = `${message.epoch}:${message.sequence}`): void {
    write(`data: ${JSON.stringify(message)}\nid: ${cursor}\n\n\n`);
  }

  return {
    pathname,
    headers: request.headers,
    after: input?.after,
    response,
    write,
    event,
    send,
    refuse: (status: number, headers: Record<string, string> = {}) => response.writeHead(status, headers).end("no"),
    /** Sends heartbeats from now on, with the given fields. */
    beat(fields: () => Partial<TrustUpdate> = () => ({})): void {
      clearInterval(heart);
      heart = setInterval(() => send(update(fields())), 20);
    },
    stopBeating: () => clearInterval(heart),
    end(): void {
      clearInterval(heart);
      response.destroy();
    },
  };
}

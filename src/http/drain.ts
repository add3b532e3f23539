import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Milliseconds } from "../time.ts";

/** How long requests in flight may take to finish once the server takes no more, in milliseconds. */
const GRACE_MS: Milliseconds = 10_000;

/** How long a connection may need, at least, to bring a request that its client has just sent, in milliseconds. */
const IN_TRANSIT_MS: Milliseconds = 50;

export type Drain = {
  /** Serves on for so many milliseconds, and lets every answer tell its client to use the connection no more. */
  rejectNew(milliseconds: Milliseconds): Promise<void>;
  /** Takes no more connections, and resolves when the requests in flight are answered, or after 10 s. */
  end(): Promise<void>;
};

/**
 * Watches a server, to end it without cutting anybody off: a client that keeps its connection may send the next request at
 * the very moment at which it is closed, so that it is told first. Connections that only wait, such as a browser
 * opens ahead, do not keep a server from ending.
 */
export function createDrain(server: Server): Drain {
  /** The requests in flight of each connection. Of those that wait behind another, Node does not say that they are over. */
  const inFlight = new Map<Socket, Set<ServerResponse>>();
  let isDraining = false;
  const endIfDone = () => {
    if (server.listening) return;
    if ([...inFlight.values()].every((responses) => responses.size === 0)) server.closeAllConnections();
  };
  server.on("connection", (socket) => {
    inFlight.set(socket, new Set());
    socket.once("close", () => {
      inFlight.delete(socket);
      endIfDone();
    });
  });
  // Before whoever answers it.
  server.prependListener("request", (request, response) => {
    const responses = inFlight.get(request.socket);
    responses?.add(response);
    if (isDraining) response.shouldKeepAlive = false;
    response.once("close", () => {
      responses?.delete(response);
      endIfDone();
    });
  });
  return {
    async rejectNew(milliseconds) {
      isDraining = true;
      for (const responses of inFlight.values()) for (const response of responses) response.shouldKeepAlive = false;
      if (milliseconds > 0 || inFlight.size > 0) await sleep(Math.max(milliseconds, IN_TRANSIT_MS));
    },
    end: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), GRACE_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        endIfDone();
      }),
  };
}

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { completesWithin } from "../async/with-timeout.ts";
import type { Milliseconds } from "../time.ts";

/** Longest wait for requests in flight after the last connection was accepted. */
const GRACE_MS: Milliseconds = 10_000;

/** Shortest wait for requests in transit. */
const IN_TRANSIT_MS: Milliseconds = 50;

/** A turn of the event loop in which nothing happened, and the longest wait for one. */
const SHORT_TURN_MS: Milliseconds = 0.1;
const ACCEPT_LIMIT_MS: Milliseconds = 200;

type Drain = {
  /** Serves for another period, with `Connection: close` in every answer. */
  rejectNew(period: Milliseconds): Promise<void>;
  /** Accepts the connections that wait, and refuses others from then on. */
  refuse(): Promise<void>;
  /** Resolves when the requests in flight are answered, or after 10 s. */
  end(): Promise<void>;
};

/**
 * Tracks requests, to stop a server without losing one: a client may send the next request at the moment the server closes
 * its connection, so `Connection: close` comes first. Idle connections, such as a browser opens ahead, do not delay the end.
 */
export function createDrain(server: Server): Drain {
  /** By connection. Node emits no event at the end of a response that waits behind another. */
  const inFlight = new Map<Socket, Set<ServerResponse>>();
  let accepted = 0;
  let isDraining = false;
  let isEnding = false;
  const endIfDone = () => {
    if (!isEnding) return;
    if ([...inFlight.values()].every((responses) => responses.size === 0)) server.closeAllConnections();
  };
  server.on("connection", (socket) => {
    accepted += 1;
    inFlight.set(socket, new Set());
    socket.on("close", () => {
      inFlight.delete(socket);
      endIfDone();
    });
  });
  // Before the listener that answers.
  server.prependListener("request", (request, response) => {
    const responses = inFlight.get(request.socket);
    responses?.add(response);
    if (isDraining) response.shouldKeepAlive = false;
    response.on("close", () => {
      responses?.delete(response);
      endIfDone();
    });
  });
  let closed = Promise.resolve();
  return {
    async rejectNew(period) {
      isDraining = true;
      for (const responses of inFlight.values()) for (const response of responses) response.shouldKeepAlive = false;
      if (period > 0 || inFlight.size > 0) await sleep(Math.max(period, IN_TRANSIT_MS));
    },
    async refuse() {
      await acceptWaiting();
      closed = new Promise<void>((resolve) => server.close(() => resolve()));
    },
    async end() {
      if (inFlight.size > 0) await sleep(IN_TRANSIT_MS);
      isEnding = true;
      endIfDone();
      if (!(await completesWithin(GRACE_MS, closed))) server.closeAllConnections();
      await closed;
    },
  };

  /**
   * Waits until no connection waits to be accepted, and no request to be read: closing resets those. Node accepts one
   * connection in each turn, so a short turn without one follows a moment at which none waited.
   */
  async function acceptWaiting(): Promise<void> {
    const until = performance.now() + ACCEPT_LIMIT_MS;
    for (let [before, start] = [-1, 0]; before !== accepted || performance.now() - start > SHORT_TURN_MS; ) {
      [before, start] = [accepted, performance.now()];
      if (start > until) return;
      await turn();
    }
  }
}

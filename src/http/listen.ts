import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { completesWithin } from "../async/with-timeout.ts";
import { StartError } from "../errors.ts";
import type { Milliseconds, Seconds } from "../time.ts";
import { sendText } from "./respond.ts";

/**
 * Idle timeout of a connection. Longer than that of load balancers, 60 to 600 s in the large clouds: a server that closes
 * first may do so while a request is in transit.
 */
export const KEEP_ALIVE: Seconds = 620;

/** Limits for slow clients, who are disconnected. `node:http` defines the first four. */
export type Timeouts = {
  headersTimeout: Milliseconds;
  requestTimeout: Milliseconds;
  keepAliveTimeout: Milliseconds;
  connectionsCheckingInterval: Milliseconds;
  /** Longest time without a byte in either direction. A feed has heartbeats. */
  silence: Milliseconds;
};

const TIMEOUTS: Timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: KEEP_ALIVE * 1000,
  connectionsCheckingInterval: 5_000,
  silence: 30_000,
};

export type ListenOptions = {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Receives the origin and makes the listener. Until it resolves, the server answers 503. */
  prepare: (origin: string) => Promise<Served>;
  /** Default: 10 s for the head of a request, 30 s for all of it, 30 s of silence, 620 s until the next request. */
  timeouts?: Partial<Timeouts>;
};

export type Served = {
  listener: RequestListener;
  /** Called first when the server stops: readiness fails while requests are still served. */
  drain?: () => void;
  /** Ends endless responses. Called after the drain. */
  endFeeds?: () => void;
  close: () => Promise<void>;
};

export type RunningServer = {
  /** Such as `http://127.0.0.1:3000`. */
  origin: string;
  /**
   * Serves for another `drain` milliseconds (default 0), with `Connection: close` in every answer; then refuses connections,
   * waits up to 10 s for requests in flight, and closes the service.
   */
  close: (options?: { drain?: Milliseconds }) => Promise<void>;
};

/**
 * Listens for HTTP. Binds the address before `prepare`, so that a second start fails by the port and changes nothing.
 * Throws a {@link StartError} if the address is not available, and what `prepare` throws.
 */
export async function listen({ host, port, prepare, timeouts }: ListenOptions): Promise<RunningServer> {
  let listener: RequestListener = (_request, response) => {
    response.setHeader("retry-after", "1");
    sendText(response, 503, "Starting");
  };
  const { silence, ...bounds } = { ...TIMEOUTS, ...timeouts };
  const server = createServer(bounds, (request, response) => listener(request, response));
  server.timeout = silence;
  server.on("checkContinue", (request, response) => {
    // To a response that waits behind another, Node writes the interim response into the body, and desynchronises the
    // connection. A client that pipelines requests (RFC 9112 §9.3.2) does not wait for it.
    if (response.socket !== null) response.writeContinue();
    server.emit("request", request, response);
  });
  const { rejectNew, end } = createDrain(server);
  await bind(server, { host, port });
  const { address, port: boundPort } = server.address() as AddressInfo;
  const origin = httpOrigin(address, boundPort);
  try {
    const served = await prepare(origin);
    listener = served.listener;
    const close = async ({ drain = 0 } = {}) => {
      served.drain?.();
      await rejectNew(drain);
      served.endFeeds?.();
      await end();
      await served.close();
    };
    return { origin, close };
  } catch (error) {
    await end();
    throw error;
  }
}

function bind(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new StartError(listenError(error.code, `${host}:${port}`))),
    );
    server.listen(port, host, resolve);
  });
}

function listenError(code: string | undefined, address: string): string {
  if (code === "EADDRINUSE")
    return `${address} is taken: stop what listens there, or set PORT to another port (0 picks a free one)`;
  if (code === "EACCES") return `${address} is not allowed to this user: set PORT to 1024 or above`;
  if (code === "EADDRNOTAVAIL") return `HOST must be an address of this machine, and ${address} is none (${code})`;
  if (code === "EAFNOSUPPORT")
    return `HOST is an IPv6 address, and this machine has no IPv6 (${code}): set it to 0.0.0.0`;
  if (/^EAI_|^ENOTFOUND$/.test(code ?? ""))
    return `HOST must be an IP address or a name of this machine, and no address is known by ${address} (${code})`;
  return `${address} cannot be listened on (${code}): check HOST and PORT`;
}

export function httpOrigin(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Longest wait for requests in flight after the last connection was accepted. */
const GRACE_MS: Milliseconds = 10_000;

/** Shortest wait for requests in transit. */
const IN_TRANSIT_MS: Milliseconds = 50;

type Drain = {
  /** Serves for another period, with `Connection: close` in every answer. */
  rejectNew(period: Milliseconds): Promise<void>;
  /** Refuses connections, and resolves when the requests in flight are answered, or after 10 s. */
  end(): Promise<void>;
};

/**
 * Tracks requests, to stop a server without losing one: a client may send the next request at the moment the server closes
 * its connection, so `Connection: close` comes first. Idle connections, such as a browser opens ahead, do not delay the end.
 */
function createDrain(server: Server): Drain {
  /** By connection. Node emits no event at the end of a response that waits behind another. */
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
  // Before the listener that answers.
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
    async rejectNew(period) {
      isDraining = true;
      for (const responses of inFlight.values()) for (const response of responses) response.shouldKeepAlive = false;
      if (period > 0 || inFlight.size > 0) await sleep(Math.max(period, IN_TRANSIT_MS));
    },
    async end() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      endIfDone();
      if (!(await completesWithin(GRACE_MS, closed))) server.closeAllConnections();
      await closed;
    },
  };
}

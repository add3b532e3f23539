import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { StartError } from "../errors.ts";
import type { Milliseconds, Seconds } from "../time.ts";
import { createDrain } from "./drain.ts";
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
  const { rejectNew, refuse, end } = createDrain(server);
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
      const refused = refuse();
      // Requests wait until then: so turns are short, and accept the connections that wait.
      listener = (request, response) => void refused.then(() => served.listener(request, response));
      await refused;
      await end();
      await served.close();
    };
    return { origin, close };
  } catch (error) {
    await refuse();
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

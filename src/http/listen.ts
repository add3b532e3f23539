import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { StartError } from "../errors.ts";
import type { Milliseconds, Seconds } from "../time.ts";
import { createDrain } from "./drain.ts";
import { sendText } from "./respond.ts";

/**
 * How long a connection may wait for its next request. Longer than load balancers keep one, which is 60 to 600 s in the
 * large clouds: a server that closes it first may do so while a request is on its way.
 */
export const KEEP_ALIVE: Seconds = 620;

/** Milliseconds. A client that is slower than this is cut off; see `node:http` for what the first four bound. */
export type Timeouts = {
  headersTimeout: Milliseconds;
  requestTimeout: Milliseconds;
  keepAliveTimeout: Milliseconds;
  connectionsCheckingInterval: Milliseconds;
  /** How long a connection may neither send nor take anything in. A feed has heartbeats. */
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
  /** 0 picks a free one. */
  port: number;
  /** Makes what is to be served, told the origin that is listened on. Until it is there, the answer is 503. */
  prepare: (origin: string) => Promise<Served>;
  /** Each that is left out is as by default. */
  timeouts?: Partial<Timeouts>;
};

export type Served = {
  listener: RequestListener;
  /** Told first, when the server is to stop: it serves on for a while, and whoever asks should know. */
  drain?: () => void;
  /** Ends what would go on for ever, if anything would. Called next. */
  endFeeds?: () => void;
  close: () => Promise<void>;
};

export type RunningServer = {
  /** Where it listens: `http://127.0.0.1:3000`. */
  origin: string;
  /**
   * Serves on for `drain` milliseconds (default 0), in which every answer tells its client to connect anew, elsewhere; then
   * takes no more connections, lets requests in flight finish for 10 s at most, and closes what was served.
   */
  close: (options?: { drain?: Milliseconds }) => Promise<void>;
};

/**
 * Listens for HTTP. The address is taken first, so that a second start is told about the port and
 * nothing else. Throws a {@link StartError} where the address cannot be had, or what `prepare` throws.
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
    // To an answer that has to wait for others Node adds it behind the header, within the body: all that follow would
    // be out of step. Whoever sends requests without waiting for answers (RFC 9112 §9.3.2) does not wait for it either.
    if (response.socket !== null) response.writeContinue();
    server.emit("request", request, response);
  });
  const { rejectNew: turnAway, end } = createDrain(server);
  await bind(server, { host, port });
  const origin = originOf(server.address() as AddressInfo);
  try {
    const served = await prepare(origin);
    listener = served.listener;
    const close = async ({ drain = 0 } = {}) => {
      served.drain?.();
      await turnAway(drain);
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

function originOf({ address, port }: AddressInfo): string {
  return httpOrigin(address, port);
}

/** The origin at an address or name. */
export function httpOrigin(host: string, port: number): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Published by Node for every connection that this process begins, wherever it goes. */
const CONNECTIONS = "net.client.socket";

/** A server to lure connections to, which counts those that arrive and those that were only tried. */
export async function countConnections() {
  let attempts = 0;
  let arrivals = 0;
  const targets = new Set<string>();
  const countAttempt = (message: unknown) => {
    attempts += 1;
    const { socket } = message as { socket: Socket };
    socket.on("lookup", (...[, , , host]) => targets.add(host));
    socket.on("connectionAttempt", (address: string, port: number) => targets.add(`${address}:${port}`));
  };
  const server = createServer((_request, response) => response.setHeader("connection", "close").end("{}"));
  server.on("connection", () => {
    arrivals += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  subscribe(CONNECTIONS, countAttempt);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    count: () => ({ attempts, arrivals }),
    /** The names that were looked up, and the addresses and ports that were tried. */
    targets: () => [...targets].sort(),
    async [Symbol.asyncDispose]() {
      unsubscribe(CONNECTIONS, countAttempt);
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

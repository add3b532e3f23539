import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { certify } from "./der.ts";

/** A server of another party on loopback. Closed at the end of its block. */
export type DocumentServer = {
  port: number;
  /** Connections that arrived. */
  connections: () => number;
  [Symbol.asyncDispose](): Promise<void>;
};

type Place = { host?: string; port?: number };

export function serveDocuments(listener: RequestListener, place: Place = {}): Promise<DocumentServer> {
  return started(createServer(listener), place);
}

/** The same by TLS. */
export function serveByTls(listener: RequestListener, { key, cert, ...place }: Place & { key: string; cert: string }) {
  return started(createTlsServer({ key, cert }, listener), place);
}

/** A server that answers every connection with its own bytes. */
export function serveBytes(answer: (socket: Socket) => void): Promise<DocumentServer> {
  return started(
    createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    }),
  );
}

async function started(
  server: Server | ReturnType<typeof createTcpServer>,
  { host = "127.0.0.1", port = 0 }: Place = {},
): Promise<DocumentServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A key and its own certificate for a name, in PEM. */
export function certificateFor(name: string): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = certify(publicKey, privateKey, { name }).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, "$&\n").trim()}\n-----END CERTIFICATE-----\n`,
  };
}

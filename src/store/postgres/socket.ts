import { Socket } from "node:net";

/**
 * Opens a socket for the driver, which throws on bytes that are not PostgreSQL's: that must not end the process. `sockets`
 * holds it while it is open.
 */
export function openSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
  const emit: (event: string | symbol, ...values: unknown[]) => boolean = socket.emit.bind(socket);
  return Object.assign(socket, {
    emit(event: string | symbol, ...values: unknown[]): boolean {
      if (event !== "data") return emit(event, ...values);
      try {
        return emit(event, ...values);
      } catch (cause) {
        socket.destroy(cause instanceof Error ? cause : new Error("The response cannot be parsed", { cause }));
        return true;
      }
    },
  });
}

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * Stands between a client and a port of this machine, and does what a network does: it can lose the connections
 * that it has, as when a machine is unplugged (neither side is told, nothing comes through), and be slow.
 */
export async function startRelay(port: number) {
  const open = new Set<Socket>();
  const lost = new Set<Socket>();
  const nearer = new Set<Socket>();
  let delay = 0;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    nearer.add(near);
    near.once("close", () => nearer.delete(near));
    near.on("data", (data) => lost.has(near) || far.write(data));
    far.on("data", (data) => lost.has(near) || setTimeout(() => near.write(data), delay));
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on("error", () => {});
      from.on("close", () => lost.has(near) || to.destroy());
      open.add(from);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    loseConnections(): void {
      for (const socket of open) lost.add(socket);
    },
    /** Puts bytes into what the other side says. */
    intrude(bytes: Uint8Array): void {
      for (const near of nearer) near.write(bytes);
    },
    /** Lets every answer come so many milliseconds later. */
    slowDown(milliseconds: number): void {
      delay = milliseconds;
    },
    [Symbol.dispose](): void {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

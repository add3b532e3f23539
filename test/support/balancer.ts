import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { send } from "./request.ts";

/** Interval of readiness probes, in milliseconds. */
const PROBE = 50;

/** A load balancer: a new connection goes to the first ready server, or else to the first that accepts it. */
export async function startBalancer(origins: readonly string[]) {
  const ready = new Set(origins);
  const open = new Set<Socket>();
  const probe = async (origin: string) => {
    const { status } = await send(`${origin}/readyz`).catch(() => ({ status: 0 }));
    if (status === 200) ready.add(origin);
    else ready.delete(origin);
  };
  const timer = setInterval(() => origins.forEach(probe), PROBE);
  const candidates = () => [
    ...origins.filter((origin) => ready.has(origin)),
    ...origins.filter((it) => !ready.has(it)),
  ];

  function pass(near: Socket, [origin, ...others]: readonly string[]): void {
    if (origin === undefined) return void near.destroy();
    const far = connect(Number(new URL(origin).port), "127.0.0.1");
    far.once("error", () => (far.connecting || far.pending ? pass(near, others) : near.destroy()));
    far.once("connect", () => {
      open.add(near);
      near.pipe(far).pipe(near);
      near.on("error", () => far.destroy()).on("close", () => open.delete(near));
      far.on("close", () => near.end());
    });
  }

  const server = createServer({ allowHalfOpen: false }, (near) => pass(near, candidates()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose](): void {
      clearInterval(timer);
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

type Link = {
  near: Socket;
  far: Socket;
  /** Until when all that comes is held back, and the last of what is. */
  heldUntil: number;
  held: Promise<unknown>;
  stalled: boolean;
  truncated: boolean;
};

/**
 * A relay to a server that misbehaves when it is told to: it cuts connections, lets them hang open in
 * silence, lets through a part of what is said and no more, or holds everything back for a while.
 */
export async function startBadNetwork(target: URL) {
  const links = new Set<Link>();
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const link: Link = { near, far, heldUntil: 0, held: Promise.resolve(), stalled: false, truncated: false };
    links.add(link);
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => pass(link, data));
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      one.on("error", () => {});
      one.on("close", () => {
        other.destroy();
        links.delete(link);
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");

  function pass(link: Link, data: Buffer): void {
    if (link.stalled) return;
    if (link.truncated) {
      link.near.write(data.subarray(0, Math.floor(data.length / 2)));
      link.stalled = true;
      return;
    }
    link.held = link.held.then(async () => {
      await sleep(Math.max(0, link.heldUntil - performance.now()));
      if (!link.near.destroyed) link.near.write(data);
    });
  }

  const harms: ((link: Link) => void)[] = [
    ({ near }) => near.destroy(),
    ({ near }) => near.resetAndDestroy(),
    (link) => {
      link.stalled = true;
    },
    (link) => {
      link.truncated = true;
    },
    (link) => {
      link.heldUntil = performance.now() + 200 + Math.random() * 3000;
    },
  ];

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    /** Does something bad to one of the connections there are. */
    hurt(): void {
      const now = performance.now();
      const whole = [...links].filter(({ stalled, truncated, heldUntil }) => !stalled && !truncated && heldUntil < now);
      const link = whole[Math.floor(Math.random() * whole.length)];
      if (link === undefined) return;
      cuts += 1;
      harms[Math.floor(Math.random() * harms.length)]?.(link);
    },
    /** Ends what hangs; from now on it behaves. */
    heal(): void {
      for (const { near } of links) near.destroy();
    },
    close(): void {
      server.close();
      for (const { near } of links) near.destroy();
    },
  };
}

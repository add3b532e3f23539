import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export const HARMS = ["cut", "reset", "stall", "truncate", "delay"] as const;

/** A connection is closed, reset, silent from now on or from the middle of the next data, or late for a while. */
export type Harm = (typeof HARMS)[number];

type Link = {
  near: Socket;
  far: Socket;
  /** Until when data is held back, and the last data that is. */
  heldUntil: number;
  held: Promise<unknown>;
  stalled: boolean;
  truncated: boolean;
  /** Nothing passes in either direction, not even the end of the connection. */
  lost: boolean;
};

/** A relay to a server that does on request what a bad network does to connections. */
export async function startBadNetwork({ hostname, port: behind }: URL, random: () => number = Math.random) {
  const links = new Set<Link>();
  let [cuts, delay] = [0, 0];
  const server = createServer((near) => {
    const far = connect(Number(behind), hostname);
    const flags = { stalled: false, truncated: false, lost: false };
    const link: Link = { near, far, heldUntil: 0, held: Promise.resolve(), ...flags };
    links.add(link);
    near.on("data", (data) => link.lost || far.write(data));
    far.on("data", (data) => pass(link, data));
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      one.on("error", () => {});
      one.on("close", () => {
        if (link.lost) return;
        other.destroy();
        links.delete(link);
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");

  function pass(link: Link, data: Buffer): void {
    const due = performance.now() + delay;
    // In the order of arrival, however long the data before is held back.
    link.held = link.held.then(async () => {
      await sleep(Math.max(0, due - performance.now(), link.heldUntil - performance.now()));
      if (link.stalled || link.lost || link.near.destroyed) return;
      link.near.write(link.truncated ? data.subarray(0, Math.floor(data.length / 2)) : data);
      link.stalled = link.truncated;
    });
  }

  const harms: Record<Harm, (link: Link) => void> = {
    cut: ({ near }) => near.destroy(),
    reset: ({ near }) => near.resetAndDestroy(),
    stall: (link) => {
      link.stalled = true;
    },
    truncate: (link) => {
      link.truncated = true;
    },
    delay: (link) => {
      link.heldUntil = performance.now() + 200 + random() * 3000;
    },
  };

  function whole(): Link[] {
    const now = performance.now();
    return [...links].filter(({ stalled, truncated, heldUntil }) => !stalled && !truncated && heldUntil < now);
  }

  const destroyAll = () => {
    for (const socket of [...links].flatMap(({ near, far }) => [near, far])) socket.destroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cuts: () => cuts,
    /** Harms one connection; returns whether there was one. */
    hurt(harm: Harm = pick(HARMS, random)): boolean {
      const links = whole();
      if (links.length === 0) return false;
      cuts += 1;
      harms[harm](pick(links, random));
      return true;
    },
    /** Harms every connection; returns whether there was one. */
    hurtAll(harm: Harm): boolean {
      const links = whole();
      for (const link of links) harms[harm](link);
      return links.length > 0;
    },
    /** Loses every connection without a word to either side, as an unplugged machine does. */
    loseConnections(): void {
      for (const link of links) link.lost = true;
    },
    /** Writes bytes into the stream of the server. */
    intrude(bytes: Uint8Array): void {
      for (const { near } of links) near.write(bytes);
    },
    /** Delays everything that the server says from now on. */
    slowDown(milliseconds: number): void {
      delay = milliseconds;
    },
    /** Closes every connection; new ones are good. */
    heal: destroyAll,
    [Symbol.dispose](): void {
      server.close();
      destroyAll();
    },
  };
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

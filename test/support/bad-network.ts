import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export const HARMS = ["cut", "reset", "stall", "truncate", "delay"] as const;

/** To close a connection or reset it, to let it hang in silence, at once or in the midst of something, or to hold all back for a while. */
export type Harm = (typeof HARMS)[number];

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
export async function startBadNetwork(target: URL, random: () => number = Math.random) {
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
    // In the order in which it came, however long what was before is held back.
    link.held = link.held.then(async () => {
      await sleep(Math.max(0, link.heldUntil - performance.now()));
      if (link.stalled || link.near.destroyed) return;
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

  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    cuts: () => cuts,
    /** Does something bad, or what is told, to one of the connections there are; says whether there was one. */
    hurt(harm: Harm = pick(HARMS, random)): boolean {
      const links = whole();
      if (links.length === 0) return false;
      cuts += 1;
      harms[harm](pick(links, random));
      return true;
    },
    /** Does something to all connections there are; says whether there were any. */
    hurtAll(harm: Harm): boolean {
      const links = whole();
      for (const link of links) harms[harm](link);
      return links.length > 0;
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

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

/**
 * Whether a thing is certainly valid, certainly withdrawn, or neither: its withdrawal was sent, and the outcome is unknown.
 */
type Life = "live" | "dead" | "unsure";

/** What a withdrawal can name. */
type Handle = "jti" | "sid" | "grant" | "consent" | "subject" | "clientId" | "kid" | "client";
export type Target = { by: Handle; id: string };

/** A token, a grant, a client or a key that the service acknowledged. */
export type Thing = {
  readonly what: string;
  readonly handles: Partial<Record<Handle, string>>;
  /** Tick at which it was acknowledged. */
  readonly addedAt: number;
  life: Life;
  /** The time in milliseconds, on a monotonic clock, at which its end was known. */
  diedAt?: number;
  /** Withdrawals that may have ended it. */
  doubts: Withdrawal[];
};

type Withdrawal = {
  readonly targets: readonly Target[];
  readonly begunAt: number;
  /** The tick, and the milliseconds. */
  acknowledged?: { tick: number; at: number };
};

/** Subjects and clients are revoked up to a moment, everything else for ever. */
const UNTIL_NOW: ReadonlySet<Handle> = new Set(["subject", "clientId"]);

export type Timeline<Item extends Thing = Thing> = {
  /** The next moment, to be taken before a request. */
  tick(): number;
  /** Adds an acknowledged thing, requested at a tick. */
  add<One extends Item>(item: Omit<One, "addedAt" | "life" | "doubts">, askedAt: number): One;
  /** Records that a request to end everything that the targets cover is about to be sent. */
  withdraw(targets: readonly Target[]): Withdrawal;
  /** Records its acknowledgement. */
  acknowledge(withdrawal: Withdrawal, now: number): void;
  /** Compares an observation of a thing with what is certain, or makes it certain. */
  observe(item: Item, says: "live" | "dead", now: number): void;
  /** Ends a round in which everything in doubt was observed: every request has taken effect by then, or never will. */
  resolve(): void;
  breaches(): readonly string[];
};

/**
 * Records, outside the service, what it acknowledged. A request without an answer may take effect at any moment until the
 * round is resolved, but not in part.
 */
export function createTimeline<Item extends Thing>(): Timeline<Item> {
  let now = 0;
  const items: Item[] = [];
  const byHandle = new Map<string, Item[]>();
  let open: Withdrawal[] = [];
  const breaches: string[] = [];

  const coveredBy = ({ targets }: Withdrawal) => targets.flatMap(({ by, id }) => byHandle.get(`${by} ${id}`) ?? []);

  function die(item: Item, at: number): void {
    item.life = "dead";
    item.diedAt ??= at;
    item.doubts = [];
  }

  function doubt(item: Item, withdrawal: Withdrawal): void {
    if (item.life === "dead") return;
    item.life = "unsure";
    item.doubts.push(withdrawal);
  }

  /** A withdrawal of unknown outcome has ended all that it covers, or nothing. */
  function findPartial(): void {
    for (const withdrawal of open.filter(({ acknowledged }) => acknowledged === undefined)) {
      const alone = coveredBy(withdrawal).filter(
        ({ doubts, addedAt }) => addedAt <= withdrawal.begunAt && doubts.length === 1 && doubts[0] === withdrawal,
      );
      // A code that was used meanwhile cannot be observed.
      const lives = new Set(alone.map(({ life }) => life).filter((life) => life !== "unsure"));
      if (lives.size > 1) breaches.push(`partial: the withdrawal of ${named(withdrawal)}`);
    }
  }

  return {
    tick: () => ++now,

    add<One extends Item>(item: Omit<One, "addedAt" | "life" | "doubts">, askedAt: number): One {
      const added = { ...item, addedAt: ++now, life: "live", doubts: [] } as unknown as One;
      items.push(added);
      for (const [by, id] of Object.entries(added.handles)) {
        const key = `${by} ${id}`;
        const others = byHandle.get(key);
        if (others === undefined) byHandle.set(key, [added]);
        else others.push(added);
      }
      for (const withdrawal of open) {
        const { targets, acknowledged } = withdrawal;
        const covering = targets.filter(({ by, id }) => added.handles[by] === id);
        if (covering.length === 0) continue;
        if (acknowledged === undefined) doubt(added, withdrawal);
        else if (covering.some(({ by }) => !UNTIL_NOW.has(by))) die(added, acknowledged.at);
        else if (acknowledged.tick > askedAt) doubt(added, withdrawal);
      }
      return added;
    },

    withdraw(targets) {
      const withdrawal: Withdrawal = { targets, begunAt: ++now };
      open.push(withdrawal);
      for (const item of new Set(coveredBy(withdrawal))) doubt(item, withdrawal);
      return withdrawal;
    },

    acknowledge(withdrawal, at) {
      withdrawal.acknowledged = { tick: ++now, at };
      for (const { by, id } of withdrawal.targets) {
        for (const item of byHandle.get(`${by} ${id}`) ?? [])
          if (item.addedAt <= withdrawal.begunAt || !UNTIL_NOW.has(by)) die(item, at);
      }
    },

    observe(item, says, at) {
      if (item.life !== "unsure" && item.life !== says)
        breaches.push(says === "dead" ? `lost: ${item.what}` : `came back: ${item.what}`);
      if (says === "dead") item.diedAt ??= at;
      item.life = says;
    },

    resolve() {
      findPartial();
      for (const item of items) item.doubts = [];
      open = [];
    },

    breaches: () => breaches,
  };
}

function named({ targets }: Withdrawal): string {
  return targets.map(({ by, id }) => `${by} ${id}`).join(", ");
}

import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { openStoreAt, type StoreAddress } from "../support/store-address.ts";
import { type Elsewhere, type StoreElsewhere, startElsewhere } from "../support/stores-elsewhere.ts";
import { describeAtomicity } from "./conformance-atomicity.ts";
import { describeAudit } from "./conformance-audit.ts";
import { describeClients } from "./conformance-clients.ts";
import { describeCounts } from "./conformance-counts.ts";
import { describeSessions } from "./conformance-grants.ts";
import { describeKeys } from "./conformance-keys.ts";
import { describePrunes } from "./conformance-prunes.ts";
import { describeRevision } from "./conformance-revision.ts";
import { describeStrings } from "./conformance-strings.ts";
import { describeTrust } from "./conformance-trust.ts";

/** One empty database that this process and another one have open. */
type Opened = {
  here: Store;
  there: StoreElsewhere;
  /** Closes it in both processes, and opens it in this one again. */
  reopen(): Promise<Store>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type Open = () => Promise<Opened>;

/** What a suite needs of a database: one that is empty, for each test. */
export type Database = {
  /** Gives where one is. */
  address: () => Promise<StoreAddress>;
  /** Empties that one again, where making another takes long. Without it, each test asks for a new one. */
  empty?: () => Promise<unknown>;
  /** Whether what takes many calls at once is tried: a slow way to the database takes longer than they may. Default true. */
  crowded?: boolean;
};

/** The contract of a store, whatever database it is on. */
export function describeStore(name: string, { address, empty, crowded = true }: Database): void {
  describe(name, () => {
    let elsewhere: Elsewhere;
    let kept: Opened | undefined;
    beforeAll(() => {
      elsewhere = startElsewhere();
    });
    afterAll(async () => {
      await kept?.[Symbol.asyncDispose]();
      await elsewhere[Symbol.asyncDispose]();
    });

    const open: Open = async () => {
      if (empty === undefined) return openBoth(await address(), elsewhere);
      kept ??= await openBoth(await address(), elsewhere);
      await empty();
      const opened = kept;
      return {
        here: opened.here,
        there: opened.there,
        reopen() {
          kept = undefined;
          return opened.reopen();
        },
        async [Symbol.asyncDispose]() {
          if (kept !== opened) await opened[Symbol.asyncDispose]();
        },
      };
    };
    describeVerbs(open, crowded);
  });
}

/** The contract of a store that another process cannot open. */
export function describeContract(name: string, open: Open): void {
  describe(name, () => {
    describeVerbs(open, true);
  });
}

function describeVerbs(open: Open, crowded: boolean): void {
  describeKeys(open);
  describeClients(open);
  describeAudit(open);
  describeCounts(open);
  if (crowded) describeRevision(open);
  describeTrust(open);
  describeSessions(open);
  describePrunes(open);
  describeAtomicity(open);
  if (crowded) describeStrings(open);
}

async function openBoth(address: StoreAddress, elsewhere: Elsewhere): Promise<Opened> {
  let here = await openStoreAt(address);
  const there = await elsewhere.open(address);
  const close = async () => {
    await there.close();
    await here.close();
  };
  return {
    here,
    there,
    async reopen() {
      await close();
      here = await openStoreAt(address);
      return here;
    },
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

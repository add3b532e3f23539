import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { openStoreAt, type StoreAddress } from "../support/store-address.ts";
import { type Elsewhere, type StoreElsewhere, startElsewhere } from "../support/stores-elsewhere.ts";
import { describeAtomicity } from "./conformance-atomicity.ts";
import { describeAudit } from "./conformance-audit.ts";
import { describeAuthorizations } from "./conformance-authorizations.ts";
import { describeClients } from "./conformance-clients.ts";
import { describeCodes } from "./conformance-codes.ts";
import { describeCounts } from "./conformance-counts.ts";
import { describeDevices } from "./conformance-devices.ts";
import { describeSessions } from "./conformance-grants.ts";
import { describeIntroducedClients } from "./conformance-introduced-clients.ts";
import { describeKeys } from "./conformance-keys.ts";
import { describeLogouts } from "./conformance-logouts.ts";
import { describeLookups } from "./conformance-lookups.ts";
import { describePeopleChanges } from "./conformance-people.ts";
import { describePrunes } from "./conformance-prunes.ts";
import { describeRedemptions } from "./conformance-redemptions.ts";
import { describeResources } from "./conformance-resources.ts";
import { describeRevision } from "./conformance-revision.ts";
import { describeSignIns } from "./conformance-sign-ins.ts";
import { describeStrings } from "./conformance-strings.ts";
import { describeTrust } from "./conformance-trust.ts";

/** One empty database, open in this process and in another. */
type Opened = {
  here: Store;
  there: StoreElsewhere;
  /** Closes it in both processes, and reopens it in this one. */
  reopen(): Promise<Store>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type Open = () => Promise<Opened>;

/** An empty database for each test of a suite. */
export type Database = {
  /** Returns its address. */
  address: () => Promise<StoreAddress>;
  /** Empties the database, where a new one takes long. Default: each test creates one. */
  empty?: () => Promise<unknown> | undefined;
  /** Whether to test only what depends on the connection: transactions, their locks and their order. Default false. */
  brief?: boolean;
};

/** The contract of a store, for every database. */
export function describeStore(name: string, { address, empty, brief = false }: Database): void {
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
    if (brief) describeTransactions(open);
    else describeVerbs(open);
  });
}

/** The contract of a store that is open in one process only. */
export function describeContract(name: string, open: Open): void {
  describe(name, () => {
    describeVerbs(open);
  });
}

function describeTransactions(open: Open): void {
  describeTrust(open);
  describeRedemptions(open);
  describeAtomicity(open);
  describePeopleChanges(open);
}

function describeVerbs(open: Open): void {
  describeKeys(open);
  describeClients(open);
  describeIntroducedClients(open);
  describeResources(open);
  describeAudit(open);
  describeCounts(open);
  describeRevision(open);
  describeTrust(open);
  describeSessions(open);
  describeLookups(open);
  describeSignIns(open);
  describeAuthorizations(open);
  describeCodes(open);
  describeRedemptions(open);
  describeDevices(open);
  describeLogouts(open);
  describePrunes(open);
  describeAtomicity(open);
  describePeopleChanges(open);
  describeStrings(open);
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

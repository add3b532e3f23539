import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/store/store.ts";
import { openStoreAt, type StoreAddress } from "../support/store-address.ts";
import { type Elsewhere, type StoreElsewhere, startElsewhere } from "../support/stores-elsewhere.ts";
import { describeAtomicity } from "./conformance-atomicity.ts";
import { describeAudit } from "./conformance-audit.ts";
import { describeClients } from "./conformance-clients.ts";
import { describeKeys } from "./conformance-keys.ts";
import { describeRevision } from "./conformance-revision.ts";
import { describeSessions } from "./conformance-sessions.ts";
import { describeStrings } from "./conformance-strings.ts";
import { describeTrust } from "./conformance-trust.ts";

/** One new database that this process and another one have open. */
type Opened = {
  here: Store;
  there: StoreElsewhere;
  /** Closes it in both processes, and opens it in this one again. */
  reopen(): Promise<Store>;
  [Symbol.asyncDispose](): Promise<void>;
};
export type Open = () => Promise<Opened>;

/** The contract of a store, whatever database it is on. `newAddress` says where a new one can be made. */
export function describeStore(name: string, newAddress: () => Promise<StoreAddress>): void {
  describe(name, () => {
    let elsewhere: Elsewhere;
    beforeAll(() => {
      elsewhere = startElsewhere();
    });
    afterAll(() => elsewhere[Symbol.asyncDispose]());

    const open = async () => openBoth(await newAddress(), elsewhere);
    describeKeys(open);
    describeClients(open);
    describeAudit(open);
    describeRevision(open);
    describeTrust(open);
    describeSessions(open);
    describeAtomicity(open);
    describeStrings(open);
  });
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

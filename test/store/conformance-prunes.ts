import { describe, expect, it } from "vitest";
import type { Client } from "../../src/store/client.ts";
import type { Pruned } from "../../src/store/pruned.ts";
import type { Store } from "../../src/store/store.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import {
  aCode,
  aDeviceRequest,
  aGrant,
  anIntroducedClient,
  aRecord,
  aRedemption,
  aRequest,
  aRotation,
  aSignIn,
  FREE,
  records,
  unique,
} from "./samples.ts";

/** The end of the past in these tests, and rows that are older and newer by their number. */
const PAST = NOW;
const OLD = 7;
const YOUNG = 3;
const moments = Array.from({ length: OLD + YOUNG }, (_, at) => (at < OLD ? PAST - OLD + at : PAST + 1 + at));

type Case = {
  verb: string;
  /** Adds a row that expires at a moment. */
  add: (store: Store, end: number) => Promise<unknown>;
  prune: (store: Pick<Store, Pruning>, limit: number) => Promise<Pruned>;
};
type Pruning =
  | "pruneSignInData"
  | "pruneRequests"
  | "pruneAudit"
  | "pruneCounts"
  | "pruneGrants"
  | "pruneIntroducedClients"
  | "forgetRevocations";

const cases: Case[] = [
  {
    verb: "pruneAudit",
    add: (store, at) => store.appendAudit([aRecord({ at })]),
    prune: (store, limit) => store.pruneAudit(PAST, limit),
  },
  {
    verb: "pruneCounts",
    add: (store, until) => store.addToCounts([{ id: unique(), amount: 1, until }]),
    prune: (store, limit) => store.pruneCounts(PAST, limit),
  },
  {
    verb: "forgetRevocations",
    add: (store, until) => store.revoke({ kind: "token", id: unique(), until }, aRecord({ at: NOW + 1000 })),
    prune: (store, limit) => store.forgetRevocations(PAST, limit),
  },
  {
    verb: "pruneGrants, of idle ones",
    add: (store, idleUntil) => addGrant(store, { idleUntil }),
    prune: (store, limit) => store.pruneGrants(PAST, limit),
  },
  {
    verb: "pruneGrants, of expired ones",
    add: (store, expiresAt) => addGrant(store, { expiresAt, idleUntil: NOW + 1000 }),
    prune: (store, limit) => store.pruneGrants(PAST, limit),
  },
  {
    verb: "pruneIntroducedClients, of clients that were never used",
    add: (store, createdAt) => addIntroduced(store, { createdAt }),
    prune: (store, limit) => store.pruneIntroducedClients({ added: PAST, used: 0 }, limit),
  },
  {
    verb: "pruneIntroducedClients, of clients that are not used any more",
    add: (store, lastUsedAt) => addIntroduced(store, { createdAt: 1, lastUsedAt }),
    prune: (store, limit) => store.pruneIntroducedClients({ added: PAST, used: PAST }, limit),
  },
];

type Add = Case["add"];

let added = 0;

/** Of both kinds by turns. */
async function addIntroduced(store: Store, { createdAt, lastUsedAt }: Pick<Client, "createdAt" | "lastUsedAt">) {
  const client = anIntroducedClient({ createdAt, introduced: added++ % 2 === 0 ? "document" : "registration" });
  await store.addIntroducedClient(client, { maxUnused: 100 }, aRecord());
  if (lastUsedAt !== undefined) await store.recordUses([{ clientId: client.clientId, at: lastUsedAt }]);
}

/** The rows that expire of the sign-in of people. */
const people: Record<string, Add> = {
  "sign-in sessions": (store, expiresAt) => store.addSignIn(aSignIn({ expiresAt }), 0, aRecord({ at: NOW + 1000 })),
  "unused codes": (store, expiresAt) => addCode(store, { expiresAt }),
  "used codes": async (store, until) => {
    const code = await addCode(store, { expiresAt: NOW + 1000 });
    await store.redeemCode(code.hash, aRedemption(code, { until }), aRecord());
  },
};

const requests: Record<string, Add> = {
  "authorization requests": (store, expiresAt) => store.addAuthorizationRequest(aRequest({ expiresAt })),
  "device requests": (store, expiresAt) => store.addDeviceRequest(aDeviceRequest({ expiresAt }), aRecord()),
};

for (const [what, add] of Object.entries(people))
  cases.push({ verb: `pruneSignInData, of ${what}`, add, prune: (store, limit) => store.pruneSignInData(PAST, limit) });
for (const [what, add] of Object.entries(requests))
  cases.push({ verb: `pruneRequests, of ${what}`, add, prune: (store, limit) => store.pruneRequests(PAST, limit) });

async function addCode(store: Store, fields: { expiresAt: number }) {
  const signIn = aSignIn({ expiresAt: NOW + 1000 });
  await store.addSignIn(signIn, 0, aRecord());
  const code = aCode(signIn, fields);
  await store.addCode(code, FREE, aRecord());
  return code;
}

function addGrant(store: Store, fields: { expiresAt?: number; idleUntil?: number }) {
  const grant = aGrant(fields);
  return store.addGrant(grant, { hash: grant.sid, sequence: 0 }, aRecord({ at: NOW + 1000 }));
}

export function describePrunes(open: Open): void {
  describe("prunes", () => {
    it.each(cases)(
      "$verb forgets at most its limit at a time, in two processes, and in the end all that is past",
      async (row) => {
        await using opened = await open();
        for (const end of moments.toReversed()) await row.add(opened.here, end);
        let forgotten = 0;
        for (const [round, store] of [opened.here, opened.here, opened.there, opened.here, opened.here].entries()) {
          const { count, more } = await row.prune(store, 2);
          expect(count).toBe(round < 3 ? 2 : round === 3 ? 1 : 0);
          expect(more).toBe(round < 3);
          forgotten += count;
        }
        expect(forgotten).toBe(OLD);
        // A row that has expired since the last run is found from the beginning.
        await row.add(opened.here, PAST - 1000);
        expect(await row.prune(opened.here, 2)).toMatchObject({ count: 1 });
      },
    );

    it("of grants delete thousands of refresh tokens in small transactions, and none of an active grant", async () => {
      await using opened = await open();
      const { here } = opened;
      const [ended, alive] = [aGrant({ idleUntil: NOW + 5 }), aGrant({ idleUntil: NOW + 500 })];
      for (const { sid } of [ended, alive]) {
        const grant = sid === ended.sid ? ended : alive;
        await here.addGrant(grant, { hash: sid, sequence: 0 }, aRecord());
        for (let turn = 0; turn < 5; turn += 1) {
          const hash = `${sid}${"+".repeat(turn)}`;
          const { idleUntil } = grant;
          expect(await here.rotateRefreshToken(sid, aRotation(hash, { idleUntil }), aRecord())).toBe("rotated");
        }
      }
      const outcomes: Pruned[] = [];
      do outcomes.push(await here.pruneGrants(NOW + 5, 4));
      while (outcomes.at(-1)?.more && outcomes.length < 10);
      expect(outcomes).toEqual([
        { count: 0, more: true },
        { count: 1, more: false },
      ]);
      expect(await here.findGrant(`${ended.sid}+`)).toBeUndefined();
      expect(
        await here.rotateRefreshToken(alive.sid, aRotation(`${alive.sid}+++++`, { now: NOW + 6 }), aRecord()),
      ).toBe("rotated");
    });
  });

  describe("checkWritable", () => {
    it("resolves if a record can be written, and leaves none", async () => {
      await using opened = await open();
      await opened.here.appendAudit(records(1));
      await opened.here.checkWritable(100);
      await opened.there.checkWritable(100_000);
      expect(await opened.here.listAudit({ limit: 10 })).toHaveLength(1);
    });
  });
}

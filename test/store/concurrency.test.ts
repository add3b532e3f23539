import { afterAll, describe, expect, it } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { NOW, temporaryFolder } from "../support/service.ts";
import {
  aClient,
  aCode,
  aDeviceRequest,
  aGrant,
  aRecord,
  aRedemption,
  aRequest,
  aRotation,
  aSignIn,
  FREE,
} from "./samples.ts";

/** Two servers with one database. */
type Servers = { one: Store; other: Store; [Symbol.asyncDispose](): Promise<void> };

async function openServers(openStore: () => Promise<Store>): Promise<Servers> {
  const [one, other] = [await openStore(), await openStore()];
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one.close();
      await other.close();
    },
  };
}

/** Does all work, 20 at a time: of a thousand at once, most would wait longer for a connection than they may. */
async function crowd<Outcome>(work: readonly (() => Promise<Outcome>)[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = work.entries();
  const next = async () => {
    for (const [at, call] of queue) outcomes[at] = await call();
  };
  await Promise.all(Array.from({ length: 20 }, next));
  return outcomes;
}

/** In an order that is neither that of the primary key nor that of another index. */
const scattered = Array.from({ length: 200 }, (_, at) => (at * 77) % 200);

/** Adds expired rows for one subject and client. Returns what deletes them, and what prunes them. */
type Case = {
  name: string;
  add: (servers: Servers, of: Of) => Promise<unknown>;
  by: "subject" | "client";
  prune: Prune;
};
type Of = { subject: string; clientId: string };
type Prune = (store: Store) => Promise<unknown>;

const prunePeople: Prune = (store) => store.pruneSignInData(NOW + 500, 200);

const cases: Case[] = [
  {
    name: "expired grants with their refresh tokens",
    by: "subject",
    prune: (store) => store.pruneGrants(NOW + 500, 200),
    add: ({ one }, of) =>
      crowd(
        scattered.map((at) => () => {
          const grant = aGrant({ ...of, createdAt: NOW - at });
          return one.addGrant(grant, { hash: grant.sid, sequence: FREE.sequence }, aRecord());
        }),
      ),
  },
  {
    name: "expired sign-in sessions",
    by: "subject",
    prune: prunePeople,
    add: ({ one }, { subject }) =>
      crowd(
        scattered.map((at) => () => {
          const signIn = aSignIn({ subject, createdAt: NOW - at, expiresAt: NOW + at });
          return one.addSignIn(signIn, FREE.sequence, aRecord());
        }),
      ),
  },
  {
    name: "expired codes",
    by: "client",
    prune: prunePeople,
    add: async ({ one }, of) => {
      const signIn = aSignIn({ expiresAt: NOW + 900 });
      await one.addSignIn(signIn, FREE.sequence, aRecord());
      const codes = scattered.map((at) => aCode(signIn, { clientId: of.clientId, expiresAt: NOW + at }));
      await crowd(codes.map((code) => () => one.addCode(code, FREE, aRecord())));
    },
  },
  {
    name: "expired authorization requests",
    by: "client",
    prune: prunePeople,
    add: ({ one }, { clientId }) =>
      crowd(scattered.map((at) => () => one.addAuthorizationRequest(aRequest({ clientId, expiresAt: NOW + at })))),
  },
  {
    name: "expired device requests",
    by: "client",
    prune: prunePeople,
    add: ({ one }, { clientId }) =>
      crowd(
        scattered.map((at) => () => one.addDeviceRequest(aDeviceRequest({ clientId, expiresAt: NOW + at }), aRecord())),
      ),
  },
];

function describeConcurrency(open: () => Promise<Servers>): void {
  it("redeem one code once, of a thousand attempts", async () => {
    await using servers = await open();
    const { one, other } = servers;
    const signIn = aSignIn();
    const code = aCode(signIn);
    await one.addSignIn(signIn, 0, aRecord());
    await one.addCode(code, FREE, aRecord());
    const redemptions = Array.from({ length: 1000 }, () => aRedemption(code, { notify: true }));
    const outcomes = await crowd(
      redemptions.map((redemption, at) => () => (at % 2 ? one : other).redeemCode(code.hash, redemption, aRecord())),
    );
    expect(outcomes.filter((outcome) => outcome === "redeemed")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "used")).toHaveLength(999);
    const [grant, ...others] = await one.findGrantIds(code);
    expect(redemptions[outcomes.indexOf("redeemed")]?.grant.sid).toBe(grant);
    expect(others).toEqual([]);
  }, 60_000);

  it.each(cases)(
    "never wait for each other where $name are pruned while their $by is removed",
    async (row) => {
      await using servers = await open();
      const { one, other } = servers;
      for (let round = 0; round < 5; round += 1) {
        const client = aClient();
        const of = { subject: `subject-${round}`, clientId: client.clientId };
        await one.addClient(client, aRecord());
        await row.add(servers, of);
        const remove = () =>
          row.by === "subject"
            ? other.revoke({ kind: "subject", id: of.subject }, aRecord())
            : other.removeClient(of.clientId, aRecord());
        await Promise.all([row.prune(one), remove(), row.prune(other)]);
      }
    },
    60_000,
  );

  it("never wait for each other, whatever is added, redeemed, rotated, revoked, taken and pruned at once", async () => {
    await using servers = await open();
    const { one, other } = servers;
    const signIns = Array.from({ length: 4 }, (_, at) => aSignIn({ subject: `subject-${at % 2}` }));
    const clients = ["client-a", "client-b"];
    const flow = async (at: number) => {
      const store = at % 2 ? one : other;
      const signIn = signIns[at % 4] ?? expect.fail();
      const clientId = clients[(at >> 2) % 2] ?? expect.fail();
      await store.addSignIn({ ...aSignIn(), subject: signIn.subject }, FREE.sequence, aRecord());
      const known = await store.findSignInBySid(signIn.sid);
      if (known === undefined) await store.addSignIn(signIn, FREE.sequence, aRecord()).catch(() => {});
      const code = aCode(signIn, { clientId });
      const request = aRequest({ clientId });
      await store.addAuthorizationRequest(request);
      await store.addCode(code, { ...FREE, handle: request.handle }, aRecord());
      const redemption = aRedemption(code, { notify: true, refreshHash: code.hash });
      await store.redeemCode(code.hash, redemption, aRecord());
      await store.rotateRefreshToken(redemption.grant.sid, aRotation(code.hash), aRecord());
    };
    const disturb = async (at: number) => {
      const store = at % 2 ? other : one;
      const { sid, subject } = signIns[at % 4] ?? expect.fail();
      const clientId = clients[at % 2] ?? expect.fail();
      const disturbances = [
        () => store.revoke({ kind: "subject", id: subject }, aRecord()),
        () => store.pruneSignInData(NOW + 61, 200),
        () => store.pruneGrants(NOW + 100, 200),
        () => store.takeLogouts(NOW, { limit: 100, lease: 0 }),
        () => store.removeConsents({ subject, clientId }, aRecord()),
        () => store.revoke({ kind: "client", id: clientId }, aRecord()),
        () => store.finishLogout({ sid, clientId }),
      ];
      await disturbances[at % disturbances.length]?.();
    };
    await crowd(Array.from({ length: 400 }, (_, at) => () => (at % 2 ? flow(at >> 1) : disturb(at >> 1))));
  }, 60_000);
}

describe("two servers with one embedded database", () => {
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  let count = 0;
  describeConcurrency(() => {
    count += 1;
    const path = `${folder.path}/data-${count}`;
    return openServers(() => openSqliteStore(path, { shared: true }));
  });
});

describePostgres("two servers with one PostgreSQL database", () => {
  describeConcurrency(async () => {
    const url = await sharedPostgres.newDatabase();
    return openServers(() => openPostgresStore(url));
  });
});

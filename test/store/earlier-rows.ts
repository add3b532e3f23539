import type { Kysely } from "kysely";
import { expect, it } from "vitest";
import { MACHINE_CLIENT } from "../../src/store/client.ts";
import type { Grant } from "../../src/store/grant.ts";
import { toGrantRow } from "../../src/store/sql/mappers.ts";
import { migrate } from "../../src/store/sql/migrate.ts";
import type { Schema } from "../../src/store/sql/schema.ts";
import type { Store } from "../../src/store/store.ts";
import { aClient, aGrant, aRecord, aRotation } from "./samples.ts";

/** The tables of an earlier release, by their columns alone. */
export type Row = Record<string, unknown>;
export type AnyTables = Kysely<Record<string, Row>>;

/** A client as a release before migration 008 writes it. */
const earlierClient = (clientId: string) => ({
  client_id: clientId,
  name: "billing",
  permissions: '["issue"]',
  scopes: "[]",
  audiences: "[]",
  any_subject: 0,
  max_ttl: 600,
  created_at: 1,
  secrets: '[{"hash":"a","createdAt":1}]',
});

/** Clients that an earlier release adds and changes, before and during an upgrade. */
export function describeEarlierClients(
  open: () => Promise<{ db: Kysely<Schema>; openStore: () => Promise<Store> }>,
): void {
  it("008 makes machine clients of all clients so far, and of clients that an earlier release adds", async () => {
    const { db, openStore } = await open();
    const clients = db as unknown as AnyTables;
    await migrate(db, { upTo: "007-lookups" });
    await clients.insertInto("clients").values(earlierClient("before")).execute();
    await migrate(db);
    await clients.insertInto("clients").values(earlierClient("during")).execute();
    await db.destroy();
    const store = await openStore();
    const machine = { ...MACHINE_CLIENT, name: "billing", permissions: ["issue"], maxTtl: 600, anySubject: false };
    for (const clientId of ["before", "during"])
      expect(await store.findClient(clientId)).toMatchObject({ clientId, ...machine });
    // It can be changed: its fields are compared with those as read.
    const { asOf: _, ...from } = (await store.findClient("before")) ?? expect.fail();
    const to = { ...from, grants: ["client_credentials"] } as const;
    expect(await store.updateClient("before", { from, to }, aRecord())).toBe("updated");
    await store.close();
  });

  it("a change by an earlier release leaves the metadata of a client", async () => {
    const { db, openStore } = await open();
    await migrate(db);
    const store = await openStore();
    const client = aClient({ authMethod: "none", grants: ["refresh_token"], secrets: [], permissions: [] });
    await store.addClient(client, aRecord());
    const { client_id: _, created_at: __, secrets: ___, ...fields } = earlierClient("");
    await (db as unknown as AnyTables).updateTable("clients").set(fields).execute();
    await db.destroy();
    expect(await store.findClient(client.clientId)).toMatchObject({
      authMethod: "none",
      grants: ["refresh_token"],
      secrets: [],
      name: "billing",
    });
    await store.close();
  });
}

/** Grants that an earlier release adds, before and during an upgrade to sign-ins. */
export function describeEarlierGrants(
  open: () => Promise<{ db: Kysely<Schema>; openStore: () => Promise<Store> }>,
): void {
  it("010 leaves the grants so far, and those that an earlier release adds: they came by no sign-in", async () => {
    const { db, openStore } = await open();
    const grants = db as unknown as AnyTables;
    await migrate(db, { upTo: "009-resources" });
    const [before, during, revoked] = [aGrant(), aGrant(), aGrant()];
    const add = async (grant: Grant) => {
      const { sign_in: _, ...row } = toGrantRow(grant);
      await grants.insertInto("sessions").values(row).execute();
      await grants.insertInto("refresh_tokens").values({ hash: grant.sid, sid: grant.sid }).execute();
    };
    await add(before);
    await migrate(db);
    for (const grant of [during, revoked]) await add(grant);
    await db.destroy();
    const store = await openStore();
    for (const grant of [before, during]) {
      expect(await store.findGrantBySid(grant.sid)).toEqual(grant);
      expect(await store.findGrantIds(grant)).toEqual([]);
      expect(await store.rotateRefreshToken(grant.sid, aRotation(grant.sid), aRecord())).toBe("rotated");
    }
    await store.revoke({ kind: "session", id: revoked.sid }, aRecord());
    expect(await store.findGrantBySid(revoked.sid)).toBeUndefined();
    await store.close();
  });
}

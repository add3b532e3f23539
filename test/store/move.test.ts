import { expect, it } from "vitest";
import { moveState } from "../../src/store/move.ts";
import { openPostgres } from "../../src/store/postgres/postgres.ts";
import { createStore, type Driver } from "../../src/store/sql/driver.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { NOW, temporaryFolder } from "../support/service.ts";
import {
  aCode,
  aConsent,
  aDeviceRequest,
  anIntroducedClient,
  aRecord,
  aRedemption,
  aRequest,
  aSignIn,
  FREE,
  unique,
} from "./samples.ts";

/** More than are copied at a time, of keys of one and of several columns. */
const MANY = 2100;

describePostgres("moveState", () => {
  it("copies the introduced clients, sign-in sessions, requests, codes, consents, device requests and logout notices, each once", async () => {
    using folder = temporaryFolder();
    const [from, to] = [await openSqlite(folder.path), await openPostgres(await sharedPostgres.newDatabase(), LONG)];
    const [source, target] = [createStore(from), createStore(to)];
    const signIn = aSignIn();
    const code = aCode(signIn);
    const consents = Array.from({ length: MANY }, (_, at) =>
      aConsent(code, { host: `host-${at % 3}`, audience: unique(), at: NOW + at }),
    );
    const [request, device, redemption] = [aRequest(), aDeviceRequest(), aRedemption(code, { notify: true })];
    await source.addSignIn(signIn, 0, aRecord());
    await source.addCode(code, { ...FREE, consents, agrees: true }, aRecord());
    await source.redeemCode(code.hash, redemption, aRecord());
    await source.addAuthorizationRequest(request);
    await source.addDeviceRequest(device, aRecord());
    await addNotices(from, signIn.sid);
    await source.revoke({ kind: "session", id: "another" }, aRecord());
    const client = anIntroducedClient();
    await source.addIntroducedClient(client, { maxUnused: 1 }, aRecord());

    const moved = await moveState(from, to, { kek: undefined });
    expect(moved).toMatchObject({
      sign_ins: 1,
      authorization_requests: 1,
      authorization_codes: 1,
      device_requests: 1,
      sessions: 1,
    });
    expect(moved).toMatchObject({ sign_in_consents: MANY, logout_notices: MANY + 1 });
    expect(await target.findClient(client.clientId)).toMatchObject(client);
    expect(await target.findSignIn(signIn.hash)).toEqual(signIn);
    expect(await target.findCode(code.hash)).toEqual({ ...code, grantSid: redemption.grant.sid });
    expect(await target.findGrantBySid(redemption.grant.sid)).toEqual(redemption.grant);
    expect(await target.listConsents(signIn.subject)).toEqual(consents.toReversed());
    expect(await target.findAuthorizationRequest(request.handle)).toEqual(request);
    expect(await target.findDeviceRequest(device)).toEqual(device);
    await target.revoke({ kind: "session", id: signIn.sid }, aRecord());
    const due = await target.takeLogouts(NOW, { limit: 2 * MANY, lease: 60 });
    expect(new Set(due.map(({ clientId }) => clientId)).size).toBe(MANY + 1);
    await source.close();
    await target.close();
  });
});

const LONG = { limit: 60_000 };

/** Notices of many clients of one session. */
async function addNotices({ db }: Driver, sid: string): Promise<void> {
  const rows = Array.from({ length: MANY }, () => ({ sid, client_id: unique("client-"), subject: "ada", attempts: 0 }));
  await db
    .insertInto("logout_notices")
    .values(rows.map((row) => ({ ...row, due_at: null, until: NOW + 1000 })))
    .execute();
}

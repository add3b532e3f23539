import { decodeJwt } from "jose";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { createTokenServer } from "../../src/http/server.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Store } from "../../src/store/store.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openSharedService } from "../support/shared-service.ts";

/** A service that counts its writes to the audit log, which fail while the database is away. */
async function openWithLog() {
  const log = { commits: 0, away: false };
  const wrap = (store: Store): Store => ({
    ...store,
    async appendAudit(records) {
      log.commits += 1;
      if (log.away) throw new MintmarkError("unavailable");
      await store.appendAudit(records);
    },
  });
  return { ...(await openSharedService({ wrap })), log };
}

describe("issuance", () => {
  it("writes the records of concurrent requests in far fewer commits, and omits none", async () => {
    await using opened = await openWithLog();
    const requests = Array.from({ length: 500 }, () => opened.service.getToken(localCaller, { claims: {} }));
    const issued = (await Promise.all(requests)).map(({ token }) => String(decodeJwt(token).jti));
    expect(opened.log.commits).toBeLessThan(100);
    const logged = opened.rows("audit").flatMap(({ jti }) => (jti === null ? [] : [String(jti)]));
    expect(logged.toSorted()).toEqual(issued.toSorted());
  });

  it("writes the record of a token before it returns the token", async () => {
    await using opened = await openWithLog();
    const pending = Array.from({ length: 50 }, async () => {
      const { token } = await opened.service.getToken(localCaller, { claims: {} });
      const { jti } = decodeJwt(token);
      expect(opened.rows("audit").some((row) => row.jti === jti)).toBe(true);
    });
    await Promise.all(pending);
  });

  it("returns no token while its record cannot be written, and resumes afterwards", async () => {
    await using opened = await openWithLog();
    opened.log.away = true;
    const requests = Array.from({ length: 20 }, () => opened.service.getToken(localCaller, { claims: {} }));
    for (const outcome of await Promise.allSettled(requests)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "unavailable" } });
    }
    opened.log.away = false;
    await expect(opened.service.getToken(localCaller, { claims: {} })).resolves.toBeDefined();
    expect(opened.rows("audit").filter(({ action }) => action === "getToken")).toHaveLength(1);
  });

  it("responds with 503 over HTTP while its record cannot be written, without a token", async () => {
    await using opened = await openWithLog();
    const authorization = basic(await addClient(opened.service, { permissions: ["issue"] }));
    const server = await createTokenServer(opened.service, { port: 0, logger: pino({ level: "silent" }) });
    await using _server = { [Symbol.asyncDispose]: server.close };
    opened.log.away = true;
    const refused = await callAs(server.origin, { procedure: "getToken", authorization });
    expect(refused).toMatchObject({ status: 503, reason: "unavailable" });
    expect(refused.text).not.toContain("eyJ");
    // A refusal that cannot be recorded is a failure of the server: the client may retry.
    const denied = await callAs(server.origin, { procedure: "keys.list", authorization });
    expect(denied).toMatchObject({ status: 503, reason: "unavailable" });
    opened.log.away = false;
    expect(await callAs(server.origin, { procedure: "getToken", authorization })).toMatchObject({ reason: "served" });
  });
});

import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { addClient } from "../support/clients.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const NOBODY = { clientId: "canary-id", clientSecret: "canary-secret" };

type Shared = Awaited<ReturnType<typeof openSharedService>>;

/** Fails to authenticate from an address, `times` times. */
async function fail({ service }: Shared, address: string, times = 1) {
  for (let at = 0; at < times; at += 1) await expect(service.authenticate(NOBODY, address)).rejects.toThrow();
}

/** The written refusals, as rows of the database. */
function refusals({ rows }: Pick<Shared, "rows">) {
  return rows("audit")
    .filter(({ action }) => action === "authenticate")
    .map(({ address, reason, count, outcome, client_id }) => ({ address, reason, count, outcome, client_id }))
    .toSorted((a, b) => `${a.address} ${a.reason}`.localeCompare(`${b.address} ${b.reason}`));
}

const refused = (address: string, reason: string, count: number) => ({
  address,
  reason,
  count,
  outcome: "refused",
  client_id: null,
});

describe("refusals of unknown callers", () => {
  it("are counted by address and reason, and written by maintenance as one record each", async () => {
    await using opened = await openSharedService();
    await fail(opened, ADDRESS, 12);
    await fail(opened, "2001:db8::1", 2);
    expect(refusals(opened)).toEqual([]);
    await opened.service.maintenance();
    expect(refusals(opened)).toEqual([
      refused(ADDRESS, "invalid_client", 10),
      refused(ADDRESS, "too_many_attempts", 2),
      refused("2001:db8::1", "invalid_client", 2),
    ]);
  });

  it("are written once; counting restarts afterwards", async () => {
    await using opened = await openSharedService();
    await fail(opened, ADDRESS, 2);
    await opened.service.maintenance();
    await opened.service.maintenance();
    await fail(opened, ADDRESS, 3);
    await opened.service.maintenance();
    expect(refusals(opened).map(({ count }) => count)).toEqual([2, 3]);
  });

  it("include those of callers without any credentials, and of known clients with a wrong secret", async () => {
    await using opened = await openSharedService();
    const client = await addClient(opened.service);
    await expect(opened.service.authenticate(undefined, ADDRESS)).rejects.toThrow();
    await expect(opened.service.authenticate({ ...client, clientSecret: "x" }, ADDRESS)).rejects.toThrow();
    await opened.service.maintenance();
    expect(refusals(opened)).toEqual([refused(ADDRESS, "invalid_client", 2)]);
  });

  it("contain nothing of the credentials", async () => {
    await using opened = await openSharedService();
    await fail(opened, ADDRESS);
    await opened.service.maintenance();
    expect(JSON.stringify(opened.rows("audit"))).not.toContain("canary");
  });

  it("are bounded in number for any number of addresses, and complete in their counts", async () => {
    await using opened = await openSharedService();
    for (let at = 0; at < 1500; at += 1) await fail(opened, `address ${at}`);
    await opened.service.maintenance();
    const written = refusals(opened);
    expect(written.length).toBeGreaterThan(900);
    expect(written.length).toBeLessThan(1010);
    expect(written.reduce((sum, { count }) => sum + Number(count), 0)).toBe(1500);
  });

  it("are written when the service closes", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    await fail({ ...opened, service: second.service }, ADDRESS, 4);
    await second.service.close();
    expect(refusals(opened)).toEqual([refused(ADDRESS, "invalid_client", 4)]);
  });

  it("are retained while the database is away, and written later", async () => {
    const database = { away: false };
    await using opened = await openSharedService({
      wrap: (store) => ({
        ...store,
        async appendAudit(records) {
          if (database.away) throw new MintmarkError("unavailable");
          await store.appendAudit(records);
        },
      }),
    });
    await fail(opened, ADDRESS, 3);
    database.away = true;
    await expect(opened.service.maintenance()).rejects.toMatchObject({ reason: "unavailable" });
    await fail(opened, ADDRESS, 1);
    database.away = false;
    await opened.service.maintenance();
    expect(refusals(opened).reduce((sum, { count }) => sum + Number(count), 0)).toBe(4);
  });
});

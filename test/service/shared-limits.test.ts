import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { createCallLimits, NO_RATES } from "../../src/service/throttle/call-limits.ts";
import type { Store } from "../../src/store/store.ts";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { ISSUER, NOW, temporaryFolder } from "../support/service.ts";
import { openStoreAt, type StoreAddress } from "../support/store-address.ts";
import { type Elsewhere, startElsewhere } from "../support/stores-elsewhere.ts";

const ADDRESS = "192.0.2.1";
const OF_CLIENT = 10;

/** Limit of `verify` by address, a minute. */
const LIMIT = 100;
const rateLimits = { ...NO_RATES, verify: { perClient: 0, perAddress: LIMIT } };

type Rig = Awaited<ReturnType<typeof openTwo>>;

/** Two services on one database, the second in another process. */
async function openTwo(address: StoreAddress, elsewhere: Elsewhere) {
  const clock = { now: NOW };
  const stores: [Store, Store] = [
    await openStoreAt(address),
    { ...(await elsewhere.open(address)), shared: true, watch: () => () => {} },
  ];
  const open = (store: Store) =>
    createTokenService({ store, open: false, issuer: ISSUER, rateLimits, clock: () => clock.now });
  const [here, there] = [await open(stores[0]), await open(stores[1])];
  return {
    clock,
    stores,
    here,
    there,
    async [Symbol.asyncDispose]() {
      await here.close();
      await there.close();
    },
  };
}

async function authenticate(service: TokenService, credentials: Credentials, address = ADDRESS): Promise<string> {
  return service.authenticate(credentials, address).then(
    () => "served",
    ({ reason }) => reason,
  );
}

async function guess({ clientId }: Credentials, times: number, ...services: TokenService[]): Promise<string[]> {
  const guesses = Array.from({ length: times }, (_, at) =>
    services.map((service) => authenticate(service, { clientId, clientSecret: `guess ${at}` })),
  );
  return Promise.all(guesses.flat());
}

const count = (outcomes: string[], outcome: string) => outcomes.filter((other) => other === outcome).length;

function describeSharing(open: () => Promise<Rig>): void {
  it("refuse a guesser that alternates between them, with the seconds to wait", async () => {
    await using rig = await open();
    const { here, there, clock } = rig;
    const client = await addClient(here);
    clock.now += 20;
    for (let at = 0; at < OF_CLIENT / 2; at += 1)
      expect(await guess(client, 1, at % 2 ? here : there)).toEqual(["invalid_client"]);
    expect(await guess(client, OF_CLIENT / 2, there)).toEqual(Array(OF_CLIENT / 2).fill("invalid_client"));
    for (const service of [here, there])
      await expect(service.authenticate(client, ADDRESS)).rejects.toMatchObject({
        reason: "too_many_attempts",
        retryAfter: 40,
      });
    expect(await authenticate(here, client, "192.0.2.2")).toBe("served");
    clock.now += 40;
    expect(await authenticate(here, client)).toBe("served");
  });

  it("verify at most one guess more than the limit, of concurrent guesses at both", async () => {
    await using rig = await open();
    const client = await addClient(rig.here);
    const outcomes = await guess(client, 2 * OF_CLIENT, rig.here, rig.there);
    expect(count(outcomes, "invalid_client")).toBeGreaterThanOrEqual(OF_CLIENT);
    expect(count(outcomes, "invalid_client")).toBeLessThanOrEqual(OF_CLIENT + 1);
    expect(count(outcomes, "too_many_attempts")).toBeGreaterThanOrEqual(3 * OF_CLIENT - 1);
  });

  it("verify no more guesses at a cached client, and still serve it", async () => {
    await using rig = await open();
    const client = await addClient(rig.here);
    const services = [rig.here, rig.there];
    for (const service of services) expect(await authenticate(service, client)).toBe("served");
    const outcomes = await guess(client, 2 * OF_CLIENT, ...services);
    expect(count(outcomes, "invalid_client")).toBeLessThanOrEqual(OF_CLIENT + 1);
    for (const service of services) {
      expect(await guess(client, 1, service)).toEqual(["too_many_attempts"]);
      expect(await authenticate(service, client)).toBe("served");
    }
  });

  it("do not count concurrent valid calls as guesses", async () => {
    await using rig = await open();
    const client = await addClient(rig.here);
    const calls = Array.from({ length: 30 }, (_, at) => authenticate(at % 2 ? rig.here : rig.there, client));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["served"]));
    expect(await guess(client, 1, rig.here)).toEqual(["invalid_client"]);
  });

  it("count rates together once they have shared them", async () => {
    await using rig = await open();
    const audit = { countDenial: () => {} };
    const [one, other] = rig.stores.map((store) =>
      createCallLimits({ store, audit, rateLimits, clock: () => rig.clock.now }),
    );
    if (one === undefined || other === undefined) throw new Error("two are needed");
    const admitted = (rates: typeof one, calls: number) =>
      Array.from({ length: calls }, () => rates.ofAddress("verify", ADDRESS)).filter((refusal) => !refusal).length;
    expect(admitted(one, 60) + admitted(other, 30)).toBe(90);
    await one.share();
    await other.share();
    expect(admitted(other, LIMIT)).toBe(10);
    // A process without new calls reads the totals with its next ones.
    expect(admitted(one, 5)).toBe(5);
    await one.share();
    expect(admitted(one, LIMIT)).toBe(5);
    await one.share();
    expect([admitted(one, LIMIT), admitted(other, LIMIT)]).toEqual([0, 0]);
  });

  it("share their counts every second", async () => {
    await using rig = await open();
    const verify = (service: TokenService) =>
      service.verifyToken({ token: "bad" }, ADDRESS).catch(({ reason }) => reason);
    for (let at = 0; at < LIMIT; at += 1) expect(await verify(rig.here)).toBe("invalid_token");
    await verify(rig.there);
    await vi.waitFor(async () => expect(await verify(rig.there)).toBe("rate_limited"), {
      timeout: 20_000,
      interval: 100,
    });
  });
}

describe("two servers on one folder", () => {
  const root = temporaryFolder();
  let elsewhere: Elsewhere;
  let opened = 0;
  beforeAll(() => {
    elsewhere = startElsewhere();
  });
  afterAll(async () => {
    await elsewhere[Symbol.asyncDispose]();
    root[Symbol.dispose]();
  });

  describeSharing(() => {
    opened += 1;
    return openTwo({ folder: join(root.path, `${opened}`), shared: true }, elsewhere);
  });

  it("count alone while the database is away, lose no count, and share it later", async () => {
    await using rig = await openTwo({ folder: join(root.path, "away"), shared: true }, elsewhere);
    const database = { away: true };
    const added: number[] = [];
    const store: Pick<Store, "shared" | "addToCounts"> = {
      shared: true,
      async addToCounts(additions) {
        if (database.away) throw new MintmarkError("unavailable");
        added.push(...additions.map(({ amount }) => amount));
        return rig.stores[0].addToCounts(additions);
      },
    };
    const rates = createCallLimits({ store, audit: { countDenial: () => {} }, rateLimits, clock: () => NOW });
    for (let at = 0; at < 50; at += 1) expect(rates.ofAddress("verify", ADDRESS)).toBeUndefined();
    await expect(rates.share()).rejects.toMatchObject({ reason: "unavailable" });
    for (let at = 0; at < 50; at += 1) expect(rates.ofAddress("verify", ADDRESS)).toBeUndefined();
    expect(rates.ofAddress("verify", ADDRESS)).toMatchObject({ reason: "rate_limited" });
    database.away = false;
    await rates.share();
    await rates.share();
    expect(added).toEqual([100]);
  });
});

describePostgres("two servers on one PostgreSQL", () => {
  let elsewhere: Elsewhere;
  beforeAll(() => {
    elsewhere = startElsewhere();
  });
  afterAll(() => elsewhere[Symbol.asyncDispose]());
  describeSharing(async () => openTwo({ url: await sharedPostgres.newStoreDatabase() }, elsewhere));
});

describe("a client that calls while the database is away", () => {
  it("is not counted as a guesser: it is served as soon as the database is back", async () => {
    const folder = temporaryFolder();
    const sound = await openStoreAt({ folder: join(folder.path, "data"), shared: true });
    const database = { away: false };
    const findClient: Store["findClient"] = async (clientId) => {
      if (database.away) throw new MintmarkError("unavailable");
      return sound.findClient(clientId);
    };
    const service = await createTokenService({ store: { ...sound, findClient }, open: false, clock: () => NOW });
    const client = await addClient(service);
    database.away = true;
    expect(await guess(client, 3 * OF_CLIENT, service)).toEqual(Array(3 * OF_CLIENT).fill("unavailable"));
    database.away = false;
    expect(await authenticate(service, client)).toBe("served");
    expect((await service.audit.list(localCaller, { limit: 100 })).records).not.toContainEqual(
      expect.objectContaining({ reason: "too_many_attempts" }),
    );
    await service.close();
    folder[Symbol.dispose]();
  });
});

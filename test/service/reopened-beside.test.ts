import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { isLive, type Opening, type Service } from "../support/reopened.ts";
import { AFTERWARDS, BEFORE, begin, ENDINGS, type There } from "../support/reopened-table.ts";
import { ISSUER, NOW } from "../support/service.ts";

const SOON = { timeout: 20_000, interval: 5 };

describePostgres("a server on PostgreSQL, and beside it", () => {
  let url: string;
  let here: Service;
  beforeAll(async () => {
    url = await sharedPostgres.newStoreDatabase();
    here = await open(BEFORE);
  });
  afterAll(() => here.close());

  async function open({ now = NOW, guest = false, ...options }: Opening): Promise<Service> {
    const store = await openPostgresStore(url, { guest });
    return createTokenService({ issuer: ISSUER, open: false, ...options, guest, store, clock: () => now });
  }

  describe.each(Object.entries(AFTERWARDS))("one that is opened %s", (name, after) => {
    let beside: Service;
    let other: There;
    beforeAll(async () => {
      beside = await open(after);
      other = await begin(here, `${name}, another`);
    });
    afterAll(() => beside.close());

    it.each(Object.entries(ENDINGS))("ends a token for both by %s", async (ending, end) => {
      const there = await begin(here, `${name} ${ending}`);
      await end(beside, there);
      await vi.waitFor(async () => expect(await isLive(here, there.token)).toBe(false), SOON);
      // The key signed the other token, too. It is the last ending.
      expect(await isLive(here, other.token)).toBe(ending !== "killing its key");
    });
  });
});

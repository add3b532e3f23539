import { type Kysely, sql } from "kysely";
import type { Seconds } from "../../time.ts";
import type { DeviceStore } from "../sign-in-store.ts";
import { writeWithRecord } from "./commit.ts";
import { fromDeviceRow, toDeviceRow } from "./people-mappers.ts";
import type { Schema } from "./schema.ts";

export function createDeviceQueries(db: Kysely<Schema>): DeviceStore {
  return {
    addDeviceRequest: (request, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto("device_requests")
          .values(toDeviceRow(request))
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n ? { outcome: "added", record } : { outcome: "present" };
      }),

    async findDeviceRequest(by) {
      const requests = db.selectFrom("device_requests").selectAll();
      const found = "hash" in by ? requests.where("hash", "=", by.hash) : requests.where("user_code", "=", by.userCode);
      const row = await found.executeTakeFirst();
      return row && fromDeviceRow(row);
    },

    async claimDeviceRequest(hash, browser) {
      const { numUpdatedRows } = await db
        .updateTable("device_requests")
        .set({ browser })
        .where("hash", "=", hash)
        .where(({ eb, or }) => or([eb("browser", "is", null), eb("browser", "=", browser)]))
        .executeTakeFirst();
      if (numUpdatedRows === 1n) return "claimed";
      const known = db.selectFrom("device_requests").select("hash").where("hash", "=", hash);
      return (await known.executeTakeFirst()) === undefined ? "unknown" : "taken";
    },

    denyDeviceRequest: (hash, record) =>
      writeWithRecord(db, async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("device_requests")
          .set({ denied: 1 })
          .where("hash", "=", hash)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { outcome: "denied", record } : { outcome: "unknown" };
      }),

    // One statement: concurrent polls of one device are decided one after the other.
    async pollDeviceRequest(hash, { now }) {
      const row = await db
        .updateTable("device_requests")
        .set({ polled_at: now, poll_interval: slowedDown(now), too_soon: tooSoon(now) })
        .where("hash", "=", hash)
        .returningAll()
        .executeTakeFirst();
      return row && { request: fromDeviceRow(row), tooSoon: row.too_soon === 1 };
    },
  };
}

/** The columns have their values from before the poll. */
function tooSoon(now: Seconds) {
  return sql<number>`case when polled_at + poll_interval > ${now} then 1 else 0 end`;
}

function slowedDown(now: Seconds) {
  return sql<Seconds>`poll_interval + 5 * ${tooSoon(now)}`;
}

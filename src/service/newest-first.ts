import type { Seconds } from "../time.ts";

/** A row of a list that is sorted by time, then by `sid`, newest first. */
type Listed = { createdAt: Seconds; sid: string };

/** A page of at most `limit` rows out of one row more, and the cursor of the next page: absent on the last. */
export function pageOf<Row extends Listed>(found: readonly Row[], limit: number): { rows: Row[]; next?: string } {
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return { rows, ...(last !== undefined && { next: `${last.createdAt}.${last.sid}` }) };
}

/** The position of a cursor: the time and the `sid` of the last row. */
export function positionIn(cursor: string): Listed {
  const [createdAt = "", sid = ""] = cursor.split(".");
  return { createdAt: Number(createdAt), sid };
}

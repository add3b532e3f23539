import { randomUUID } from "node:crypto";
import { coalesceInGroups } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import type { AuditQuery, AuditRecord, NamedRecord } from "../../store/audit.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds } from "../../time.ts";

/** A record without id and time. */
export type AuditEntry = Omit<AuditRecord, "id" | "at">;

/** A page of records. `next` is the cursor of the next page, absent on the last. */
export type AuditPage = { records: NamedRecord[]; next?: string };

export type AuditLog = {
  /** Creates a record, to be written with its change or appended. */
  record(entry: AuditEntry): AuditRecord;
  /** Appends a record, in one commit with other waiting records. Resolves when it is durable. */
  append(record: AuditRecord): Promise<void>;
  /**
   * Counts a refusal of a caller that has proven nothing: of an address, or of a public client. Written as one record a minute
   * for each caller, action and reason: a flood cannot fill the disk.
   */
  countDenial(denial: Denial): void;
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditPage>;
  /** Writes the counted refusals. */
  flush(): Promise<void>;
};

/** Longest wait for more records: a commit costs as much as ten of them. */
const GROUP_MS: Milliseconds = 3;

/** Callers counted separately within a minute. The rest are counted together. */
const MAX_CALLERS = 1000;

type Denial = { reason: string } & ({ address: string } | { clientId: string; action: string });
type DenialCount = Denial & { count: number };

const keyOf = ({ count, ...denial }: DenialCount) => JSON.stringify(denial);

/** The audit log over a store. Groups appended records into commits. */
export function createAuditLog(store: Store, clock: Clock): AuditLog {
  let waiting: AuditRecord[] = [];
  const appendWaiting = coalesceInGroups(() => {
    const group = waiting;
    waiting = [];
    return store.appendAudit(group);
  }, GROUP_MS);
  let written = 0;
  let denials = new Map<string, DenialCount>();

  const record = (entry: AuditEntry): AuditRecord => {
    written += 1;
    return { id: recordId(written), at: clock(), ...entry };
  };

  function count(more: DenialCount): void {
    const isOne = denials.has(keyOf(more)) || denials.size < MAX_CALLERS;
    const counted = isOne ? more : { address: "others", reason: more.reason, count: more.count };
    const before = denials.get(keyOf(counted))?.count ?? 0;
    denials.set(keyOf(counted), { ...counted, count: before + more.count });
  }

  return {
    record,
    async append(record) {
      waiting.push(record);
      try {
        await withTimeout(appendWaiting());
      } catch (error) {
        // A record that timed out while waiting must not be written: its operation failed.
        waiting = waiting.filter((other) => other !== record);
        throw error;
      }
    },
    async list(query) {
      const found = await store.listAudit({ ...query, limit: query.limit + 1 });
      const records = found.slice(0, query.limit);
      const last = found.length > query.limit ? records.at(-1) : undefined;
      return { records, ...(last !== undefined && { next: last.id }) };
    },

    countDenial: (denial) => count({ ...denial, count: 1 }),

    async flush() {
      const counted = [...denials.values()];
      if (counted.length === 0) return;
      denials = new Map();
      try {
        const entry = { action: "authenticate", outcome: "refused" } as const;
        await store.appendAudit(counted.map((refusal) => record({ ...entry, ...refusal })));
      } catch (error) {
        for (const refusal of counted) count(refusal);
        throw error;
      }
    },
  };
}

/** Sorts by millisecond, then by number. The random part separates servers. */
function recordId(number: number): string {
  const order = `${Date.now().toString(36).padStart(9, "0")}${(number % 36 ** 4).toString(36).padStart(4, "0")}`;
  // The last 48 bits are random. Node pools the entropy of UUIDs, not that of `randomBytes`.
  return order + randomUUID().slice(-12);
}

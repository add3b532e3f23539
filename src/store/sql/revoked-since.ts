import type { Tx } from "./commit.ts";
import { ONE, statement } from "./statement.ts";

/** Whether a subject or client was revoked after a position. Under the lock of the state row, so this is final. */
export async function wasRevokedSince(
  transaction: Tx,
  sequence: number,
  { subject, clientId = NO_CLIENT }: { subject: string; clientId?: string },
): Promise<boolean> {
  const { rows } = await selectLater(transaction, { sequence, subject, clientId });
  return rows.length > 0;
}

/** The id of no client. */
const NO_CLIENT = "";

const selectLater = statement((db, of: { sequence: number; subject: string; clientId: string }) =>
  db
    .selectFrom("revocations")
    .select("id")
    .where("sequence", ">", of.sequence)
    .where(({ eb, and, or }) =>
      or([
        and([eb("kind", "=", "subject"), eb("id", "=", of.subject)]),
        and([eb("kind", "=", "client"), eb("id", "=", of.clientId)]),
      ]),
    )
    .limit(ONE),
);

import type { Tx } from "./commit.ts";

/** Whether a subject or client was revoked after a position. Under the lock of the state row, so this is final. */
export async function wasRevokedSince(
  transaction: Tx,
  sequence: number,
  { subject, clientId }: { subject: string; clientId?: string },
): Promise<boolean> {
  const found = await transaction
    .selectFrom("revocations")
    .select("id")
    .where("sequence", ">", sequence)
    .where(({ eb, and, or }) => {
      const bySubject = and([eb("kind", "=", "subject"), eb("id", "=", subject)]);
      if (clientId === undefined) return bySubject;
      return or([bySubject, and([eb("kind", "=", "client"), eb("id", "=", clientId)])]);
    })
    .executeTakeFirst();
  return found !== undefined;
}

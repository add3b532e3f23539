import type { Seconds } from "../time.ts";
import type { AuditRecord } from "./audit.ts";
import type { ClientFields, IntroducedClient } from "./client.ts";
import type { Pruned } from "./pruned.ts";

/** The part of the store for clients that introduce themselves. Strangers cause these changes, so they notify no server. */
export type IntroducedClientStore = {
  /**
   * Adds a client unless its id exists. Deletes the oldest of its kind that were never used, beyond `maxUnused`; none with a
   * grant or a code.
   */
  addIntroducedClient(
    client: IntroducedClient,
    options: { maxUnused: number },
    record: AuditRecord,
  ): Promise<"added" | "present">;
  /**
   * Stores what the document of a client says, if its fields still equal `change.from` (compare-and-set). The record is that of
   * changed fields.
   */
  updateDocument(clientId: string, change: DocumentChange, record?: AuditRecord): Promise<"updated" | "changed">;
  /**
   * Deletes clients that were never used and added before `added`, and those that were last used before `used`, with their
   * consents: at most `limit`. None with a grant, a code or a request that waits for a person.
   */
  pruneIntroducedClients(before: { added: Seconds; used: Seconds }, limit: number): Promise<Pruned>;
};

type DocumentChange = { from: ClientFields; to: ClientFields; freshUntil: Seconds };

import type { ListedConsent } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { LIST_PEOPLE } from "./sessions.ts";

export type Consents = {
  /** What a person agreed to, newest first. */
  list(caller: Caller, subject: string): Promise<ListedConsent[]>;
  /**
   * Ends what a client may do for a person: removes their consents, and revokes all grants with all their tokens, also those of
   * a client that needs no consent. Returns how many there were: none the second time.
   */
  revoke(caller: Caller, of: { subject: string; clientId: string }): Promise<{ consents: number; grants: number }>;
};

export type ConsentsOptions = {
  store: Pick<Store, "listConsents" | "removeConsents" | "findGrantIds" | "revoke">;
  trust: Pick<StoreFollower, "catchUp">;
  authorize: Authorize;
  audit: Pick<AuditLog, "record">;
  counts: Counters;
};

/** The use cases of consents. */
export function createConsents({ store, trust, authorize, audit, counts }: ConsentsOptions): Consents {
  return {
    list: (caller, subject) =>
      authorize(caller, { action: "consents.list", permission: LIST_PEOPLE }, () => store.listConsents(subject)),

    revoke(caller, { subject, clientId }) {
      const operation = {
        action: "consents.revoke",
        permission: ["sign_in", "revoke"],
        target: { subject, target: clientId },
      } as const;
      return authorize(caller, operation, async (record) => {
        // First the consents, with the codes: afterwards no code becomes another grant.
        const consents = await store.removeConsents({ subject, clientId }, record);
        const grants = await store.findGrantIds({ subject, clientId });
        for (const id of grants) {
          const entry = { action: "consents.revoke", clientId: caller.clientId, subject, target: id };
          await store.revoke({ kind: "session", id }, audit.record({ ...entry, outcome: "allowed" }));
          counts.revoked.session += 1;
        }
        await trust.catchUp();
        return { consents, grants: grants.length };
      });
    },
  };
}

import { completesWithin } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { DocumentFetcher } from "../../remote/document-fetcher.ts";
import type { FetchFailure, FetchReason } from "../../remote/guarded-exchange.ts";
import { type ClientFields, type FoundClient, fieldsOf } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Milliseconds, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { addressPrefix } from "../throttle/call-limits.ts";
import { createFixedWindow } from "../throttle/fixed-window.ts";
import { documentFields, isDocumentUrl, isUrl } from "./client-document.ts";
import { changedFields } from "./client-fields.ts";
import { findPresentedClient } from "./find-presented-client.ts";
import { MAX_UNUSED } from "./introduced-metadata.ts";

/** Why a document does not count. For the audit log alone: what a stranger learns of it maps the network of this server. */
type DocumentFault = FetchReason | "client_id_mismatch" | "invalid_metadata" | "no_open_resource";

type Presented = {
  /** Without it, no limit by address applies. */
  address: string | undefined;
  /** Whether the document of a client that is not known is fetched. Default false. */
  introduces?: boolean;
};

export type ClientDocuments = {
  /**
   * Finds the client of an id that an unauthenticated caller presents. Where the id is the URL of a Client ID Metadata Document,
   * the client is what that says: fetched again when it is no longer fresh. `undefined` without a valid document. While its
   * server fails or is slow, the last valid one counts for a day. Throws `rate_limited` where an address causes too many fetches.
   */
  find(clientId: string | undefined, presented: Presented): Promise<FoundClient | undefined>;
};

export type ClientDocumentsOptions = {
  store: Pick<Store, "findClient" | "addIntroducedClient" | "updateDocument" | "listResources">;
  clock: Clock;
  audit: Pick<AuditLog, "record" | "countDenial">;
  /** With {@link MAX_DOCUMENT_BYTES}. */
  fetchDocument: DocumentFetcher;
  /** Most fetches that one address causes within a minute; 0 is unlimited. */
  perAddress: number;
};

export const MAX_DOCUMENT_BYTES = 5 * 1024;

const DAY: Seconds = 86_400;

/** How long a refused document is not fetched again, and most documents of which that is known. */
const REFUSED: Seconds = 30;
const MAX_REFUSED = 1000;

/** Less than the 1.5 s of an authentication: the slow server of a known client must not make this one unavailable. */
const MAX_WAIT_MS: Milliseconds = 1000;

/** `mayRecover`: the server of the document failed, which says nothing about the client. */
type Refusal = { outcome: "refused"; until: Seconds; mayRecover: boolean };
type Outcome = Refusal | { outcome: "found"; client: FoundClient | undefined };

/** Keeps the clients of documents in the store. A change of one notifies no server: each looks it up. */
export function createClientDocuments(options: ClientDocumentsOptions): ClientDocuments {
  const { store, clock, audit, fetchDocument, perAddress } = options;
  const limit = perAddress === 0 ? undefined : createFixedWindow(perAddress, clock);
  const running = new Map<string, Promise<Outcome>>();
  const refusals = new Map<string, Refusal>();

  function refuse(clientId: string, reason: DocumentFault, mayRecover: boolean): Refusal {
    audit.countDenial({ clientId, action: "clients.document", reason });
    const refusal = { outcome: "refused", until: clock() + REFUSED, mayRecover } as const;
    // That this server is busy says nothing about the document.
    if (reason === "busy") return refusal;
    const [oldest] = refusals.keys();
    if (refusals.size >= MAX_REFUSED && oldest !== undefined) refusals.delete(oldest);
    refusals.set(clientId, refusal);
    return refusal;
  }

  async function keep(clientId: string, known: FoundClient | undefined, { fields, freshUntil }: Said): Promise<void> {
    const about = { clientId, target: clientId, outcome: "allowed" } as const;
    if (known === undefined) {
      const record = audit.record({ ...about, action: "clients.introduce" });
      const times = { createdAt: clock(), documentFreshUntil: freshUntil };
      const client = { ...fields, ...times, clientId, secrets: [], introduced: "document" } as const;
      await store.addIntroducedClient(client, { maxUnused: MAX_UNUSED }, record);
    } else {
      const changed = changedFields(fields, known);
      const record = audit.record({ ...about, action: "clients.update", fields: changed });
      const change = { from: fieldsOf(known), to: fields, freshUntil };
      await store.updateDocument(clientId, change, changed.length === 0 ? undefined : record);
    }
  }

  async function refetch(clientId: string, known: FoundClient | undefined): Promise<Outcome> {
    // Where it could ask for nothing, strangers cause no request to others.
    if (known === undefined && !(await store.listResources()).some(({ open }) => open))
      return refuse(clientId, "no_open_resource", false);
    const fetched = await fetchDocument(clientId);
    if (fetched.outcome === "failed") return refuse(clientId, fetched.reason, isOfServer(fetched));
    const read = documentFields(clientId, fetched.document);
    if ("fault" in read) return refuse(clientId, read.fault, false);
    refusals.delete(clientId);
    await keep(clientId, known, { ...read, freshUntil: clock() + fetched.lifetime });
    // Another server may have stored a later document.
    return { outcome: "found", client: await store.findClient(clientId) };
  }

  /** Calls during a fetch share it. The first one counts for its address: over its limit, none begins. */
  function fetchFor(clientId: string, known: FoundClient | undefined, { address }: Presented) {
    const shared = running.get(clientId);
    if (shared !== undefined) return shared;
    const retryAfter = address === undefined ? 0 : (limit?.take(addressPrefix(address)) ?? 0);
    if (retryAfter > 0) return Promise.resolve({ outcome: "limited", retryAfter } as const);
    const fetching = refetch(clientId, known).finally(() => running.delete(clientId));
    running.set(clientId, fetching);
    return fetching;
  }

  /** The last valid document of a known client, while another cannot be had. */
  const lastValid = (known: FoundClient | undefined) =>
    clock() < (known?.documentFreshUntil ?? 0) + DAY ? known : undefined;

  async function current(clientId: string, known: FoundClient | undefined, by: Presented) {
    const refusal = refusals.get(clientId);
    const isRefused = refusal !== undefined && clock() < refusal.until;
    const fetching = isRefused ? Promise.resolve(refusal) : fetchFor(clientId, known, by);
    if (known !== undefined && !(await completesWithin(MAX_WAIT_MS, fetching))) return lastValid(known);
    const outcome = await fetching;
    if (outcome.outcome === "found") return outcome.client;
    const client = lastValid(known);
    if (outcome.outcome === "refused") return outcome.mayRecover ? client : undefined;
    if (client === undefined) throw new MintmarkError("rate_limited", { retryAfter: outcome.retryAfter });
    return client;
  }

  return {
    async find(clientId, presented) {
      const known = await findPresentedClient(store, clientId);
      if (clientId === undefined || !isUrl(clientId) || isFresh(known, clock())) return known;
      const isAsked = known !== undefined || (presented.introduces === true && isDocumentUrl(clientId));
      return isAsked ? current(clientId, known, presented) : undefined;
    },
  };
}

type Said = { fields: ClientFields; freshUntil: Seconds };

/** Whether a document need not be fetched. Not one that a server with a fast clock has stored for more than a day. */
function isFresh(client: FoundClient | undefined, now: Seconds): boolean {
  const { documentFreshUntil: until = 0 } = client ?? {};
  return now < until && until <= now + DAY;
}

/** Failures of the server that has the document. Any other is of the document: it was withdrawn, or is not valid. */
const OF_SERVER: ReadonlySet<FetchReason> = new Set(["busy", "unreachable", "timeout"]);

function isOfServer({ reason, detail = "" }: FetchFailure): boolean {
  return OF_SERVER.has(reason) || (reason === "status" && /^(?:5\d\d|429)$/.test(detail));
}

import { coalesceReads } from "../../async/coalesce.ts";
import { withTimeout } from "../../async/with-timeout.ts";
import { isPublic } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import { type PresentedCredentials, UNREADABLE } from "../../token/decode-basic.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { type Caller, localCaller } from "../access/caller.ts";
import type { CallLimits, Rate } from "../throttle/call-limits.ts";
import { createAssertionAuthentication } from "./authenticate-assertion.ts";
import { createSecretAuthentication } from "./authenticate-secret.ts";
import { pairOf } from "./client-cache.ts";
import type { ClientDocuments } from "./client-documents.ts";
import type { FindClientKey } from "./client-keys.ts";
import type { ClientUses } from "./client-uses.ts";
import { createFailedLogins, isDenial } from "./failed-logins.ts";

/**
 * Authenticates a caller. Throws `invalid_client`, `too_many_attempts`, and `unavailable` after 1.5 s. With a rate, counts
 * the call and throws `rate_limited` over the limit. Without an address, no limit by address applies.
 */
export type Authenticate = (
  credentials: PresentedCredentials | undefined,
  address: string | undefined,
  rate?: Rate,
) => Promise<Caller>;

export type AuthenticatorOptions = {
  store: Pick<Store, "findClient" | "shared" | "addToCounts" | "readCounts">;
  clock: Clock;
  audit: AuditLog;
  rates: CallLimits;
  uses: Pick<ClientUses, "note">;
  /** Whether callers without credentials have every permission. */
  open: boolean;
  issuer: () => string;
  findKey: FindClientKey;
  documents: ClientDocuments;
};

/** Creates the function that authenticates, by the method of the credentials. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { audit, rates, open } = options;
  // The calls of a client that arrive together share a read of it.
  const store = { ...options.store, findClient: coalesceReads(options.store.findClient) };
  const deps = { ...options, store, attempt: createFailedLogins(options).attempt };
  const authenticateSecret = createSecretAuthentication(deps);
  const authenticateAssertion = createAssertionAuthentication(deps);

  const authenticate = (credentials: PresentedCredentials, address: string | undefined) =>
    "clientSecret" in credentials
      ? authenticateSecret(credentials, address)
      : authenticateAssertion(credentials, address);

  async function authenticateInTime(credentials: PresentedCredentials, address: string | undefined): Promise<Caller> {
    try {
      return await withTimeout(authenticate(credentials, address));
    } catch (error) {
      for (const reason of ["invalid_client", "too_many_attempts"] as const)
        if (isDenial(error, reason)) audit.countDenial({ address: address ?? UNKNOWN, reason });
      throw error;
    }
  }

  return async (credentials, address, rate) => {
    const early = rate && address !== undefined ? rates.ofAddress(rate, address) : undefined;
    if (early !== undefined) throw early;
    const isLocal = credentials === undefined && open;
    const isLong = credentials !== undefined && credentials.clientId.length > MAX_ID_LENGTH;
    const presented = credentials === undefined || isLong ? UNREADABLE : credentials;
    const caller = isLocal ? localCaller : await authenticateInTime(presented, address);
    // Anyone can present the id of a public client: a flood of one address must not lock out the others.
    const counted = isPublic(caller) ? pairOf({ clientId: caller.clientId, address }) : caller.clientId;
    const late = rate && rates.ofClient(rate, counted, address ?? UNKNOWN);
    if (late !== undefined) throw late;
    return caller;
  };
}

/** The address in the audit log where none is known. */
const UNKNOWN = "unknown";

/** A form has room for longer ids, which no client has: counting their failures would fill the memory. */
const MAX_ID_LENGTH = 255;

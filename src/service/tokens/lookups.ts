import type { NamedRecord } from "../../store/audit.ts";
import type { ListedGrant } from "../../store/grant.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { sequenceOf } from "../../token/jti.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import { pageOf, positionIn } from "../newest-first.ts";

/** The issuance of a token, by its audit record. `expiresAt` is absent in a record of an earlier release. */
type Issuance = {
  at: Seconds;
  action: string;
  clientId?: string | undefined;
  clientName?: string | undefined;
  subject?: string | undefined;
  kid?: string | undefined;
  sid?: string | undefined;
  grantId?: string | undefined;
  expiresAt?: Seconds | undefined;
};

/** A revocation that covers a token: of itself, its grant, subject or client, or its key. The caller is known for `token`. */
type Covering = {
  kind: RevokedKind | "key";
  at: Seconds;
  clientId?: string | undefined;
  clientName?: string | undefined;
};

/** What is known about a token. `issued` is absent where there is no record of it, `expired` where that cannot be known. */
export type FoundToken = {
  jti: string;
  issued?: Issuance | undefined;
  expired?: boolean | undefined;
  /** Oldest first. A subject or client that was revoked several times counts with the last. */
  revocations: Covering[];
};

/** A page of grants. `next` is the cursor of the next page, absent on the last. */
type GrantPage = { grants: ListedGrant[]; next?: string };

type GrantRequest = { subject: string; before?: string | undefined; limit: number };

export type Lookups = {
  /** What the audit log and the revocations say of a token. */
  findToken(caller: Caller, jti: string): Promise<FoundToken>;
  /** The grants of a subject that have not ended, newest first. */
  listGrants(caller: Caller, request: GrantRequest): Promise<GrantPage>;
};

export type LookupsOptions = {
  store: Pick<Store, "findTokenRecords" | "findRevocations" | "listKeys" | "listGrants">;
  authorize: Authorize;
  clock: Clock;
  /** The longest token lifetime ever allowed. */
  longestLifetime: () => Seconds;
};

/** The use cases that look up tokens and grants. */
export function createLookups({ store, authorize, clock, longestLifetime }: LookupsOptions): Lookups {
  async function revocationsOf(jti: string, records: readonly NamedRecord[], issued: Issuance | undefined) {
    const of: { kind: RevokedKind; id: string | undefined }[] = [
      { kind: "token", id: jti },
      { kind: "session", id: issued?.sid },
      { kind: "session", id: issued?.grantId },
      { kind: "subject", id: issued?.subject },
      { kind: "client", id: issued?.clientId },
    ];
    const known = of.flatMap(({ kind, id }) => (id === undefined ? [] : [{ kind, id }]));
    const covering: Covering[] = (await store.findRevocations(known))
      .filter(({ kind, sequence }) => kind === "token" || kind === "session" || sequence > sequenceOf(jti))
      .map(({ kind, sequence }) => ({ kind, at: Math.floor(sequence / 1000) }));
    // The record names who revoked it, and is stored for longer than the revocation.
    const record = records.find(({ action }) => action === "revokeToken");
    const others = record === undefined ? covering : covering.filter(({ kind }) => kind !== "token");
    const own: Covering[] = record === undefined ? [] : [{ kind: "token", ...callerIn(record) }];
    const key = (await store.listKeys()).find(({ kid }) => kid === issued?.kid);
    const ofKey: Covering[] = key?.killedAt === undefined ? [] : [{ kind: "key", at: key.killedAt }];
    return [...own, ...others, ...ofKey].toSorted((a, b) => a.at - b.at);
  }

  /** A record without expiry is of an earlier release: the token has expired after the longest lifetime, at the latest. */
  function hasExpired({ at, expiresAt }: Issuance): boolean | undefined {
    if (expiresAt !== undefined) return expiresAt <= clock();
    return at + longestLifetime() <= clock() ? true : undefined;
  }

  return {
    findToken: (caller, jti) =>
      authorize(caller, { action: "tokens.find", permission: "read_audit" }, async () => {
        const records = await store.findTokenRecords(jti);
        const record = records.find(({ action }) => ISSUANCES.has(action));
        const issued = record && issuanceOf(record);
        const expired = issued && hasExpired(issued);
        return {
          jti,
          ...(issued !== undefined && { issued }),
          ...(expired !== undefined && { expired }),
          revocations: await revocationsOf(jti, records, issued),
        };
      }),

    listGrants: (caller, { subject, before, limit }) =>
      authorize(caller, { action: "grants.list", permission: ["read_audit", "revoke"] }, async () => {
        const query = { subject, now: clock(), before: before === undefined ? undefined : positionIn(before) };
        const found = await store.listGrants({ ...query, limit: limit + 1 });
        const { rows: grants, ...cursor } = pageOf(found, limit);
        return { grants, ...cursor };
      }),
  };
}

/** The actions that issue tokens. */
const ISSUANCES: ReadonlySet<string> = new Set(["getToken", "refreshToken", "exchangeCode", "exchangeDeviceCode"]);

/** The target of a record is the grant; of a person's token, the sign-in session and the grant. */
function issuanceOf({ action, subject, kid, target, expiresAt, ...record }: NamedRecord): Issuance {
  const [sid, grantId] = target?.split(" ") ?? [];
  return { ...callerIn(record), action, subject, kid, sid, ...(grantId !== undefined && { grantId }), expiresAt };
}

function callerIn({ at, clientId, clientName }: Pick<NamedRecord, "at" | "clientId" | "clientName">) {
  return { at, clientId, ...(clientName !== undefined && { clientName }) };
}

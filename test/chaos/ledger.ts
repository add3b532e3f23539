import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Credentials } from "../support/call-as.ts";
import type { ChaosBrowser } from "./browser.ts";
import { createExpectations } from "./expectations.ts";
import { createTimeline, type Thing } from "./timeline.ts";

export type Token = Thing & { text: string };
export type Grant = Thing & {
  current: string;
  previous?: string;
  /** In use: one operation at a time refreshes a grant, unless two are meant to. */
  busy: boolean;
  /** The client that it belongs to, of a grant that came by a sign-in. Default: the local client. */
  as?: Credentials;
};
export type Session = Thing & {
  browser: ChaosBrowser;
  busy: boolean /** Whether the person was asked to agree. */;
  isAgreed: boolean;
};
export type Code = Thing & {
  code: string;
  client: Credentials /** Milliseconds, before it was asked for. */;
  gotAt: number;
};
export type Consent = Thing & { subject: string; busy: boolean };
export type Client = Thing & {
  clientId: string;
  secret: string;
  busy: boolean;
  /** Its secret may have changed, and the answer with the new one was lost. */
  isLockedOut: boolean;
};
export type Key = Thing & { kid: string };

type Claims = { client_id: string; sid?: string; grant_id?: string };
type Ids = { subject: string; clientId: string; sid?: string; grant?: string };

export type Ledger = ReturnType<typeof createLedger>;

/** An answer of `getToken` or `refreshToken`. */
type Issued = { token: string; refreshToken?: string | undefined };

/** How far a token's `iat` may be from the clock of this process, in seconds. */
const CLOCKS_APART = 30;

/** Whether the clock of its issuer was right. */
export function isOfNow(token: string): boolean {
  return Math.abs((decodeJwt(token).iat ?? 0) - Date.now() / 1000) < CLOCKS_APART;
}

/** What one service acknowledged, and what must hold therefore. */
export function createLedger() {
  const timeline = createTimeline();
  const audit = createExpectations();
  const acknowledged = new Map<string, number>();
  const [tokens, grants, clients]: [Token[], Grant[], Client[]] = [[], [], []];
  const [sessions, codes, consents]: [Session[], Code[], Consent[]] = [[], [], []];
  const sids = new Set<string>();
  const grantsOfConsent = new Map<string, string[]>();
  const keys = new Map<string, Key>();
  const successors = new Map<string, string>();
  const breaches: string[] = [];
  const listeners = new Set<() => void>();

  function noteToken(token: string, askedAt: number): Ids {
    const { jti = "", sub: subject = "", client_id: clientId, sid, grant_id: grant } = decodeJwt<Claims>(token);
    const { kid = "" } = decodeProtectedHeader(token);
    const ids = { subject, clientId, ...(sid !== undefined && { sid }), ...(grant !== undefined && { grant }) };
    const handles = { jti, kid, ...ids };
    if (isOfNow(token)) tokens.push(timeline.add<Token>({ what: `token ${jti}`, handles, text: token }, askedAt));
    return ids;
  }

  function noteIssued({ token, refreshToken }: Issued, askedAt: number, as?: Credentials): string {
    const handles = noteToken(token, askedAt);
    const id = handles.grant ?? handles.sid;
    if (refreshToken !== undefined && id !== undefined && !sids.has(id)) {
      sids.add(id);
      const grant = { what: `grant ${id}`, handles, current: refreshToken, busy: false, ...(as && { as }) };
      grants.push(timeline.add<Grant>(grant, askedAt));
    }
    return decodeJwt(token).jti ?? "";
  }

  function count(operation: string): void {
    acknowledged.set(operation, (acknowledged.get(operation) ?? 0) + 1);
    for (const listener of listeners) listener();
  }

  return {
    timeline,
    audit,
    acknowledged,
    tokens,
    grants,
    clients,
    keys,
    sessions,
    codes,
    consents,
    /** Calls `listener` after each acknowledged operation; returns how to end that. */
    onAcknowledged(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Counts an acknowledged operation. */
    count,
    /** Counts it, and expects its record. */
    acknowledge(operation: string, record: { action: string; id: string }): void {
      audit.expect(record.action, record.id);
      count(operation);
    },
    /** Adds issued tokens, and returns the `jti`. `as`: the client of the grant. */
    noteIssued,
    noteCode(
      { code, gotAt, client, handles }: Omit<Code, "what" | "addedAt" | "life" | "doubts">,
      askedAt: number,
    ): void {
      codes.push(timeline.add<Code>({ what: `code of ${handles.subject}`, handles, code, gotAt, client }, askedAt));
    },
    /** Adds the tokens of a code, and returns the id of their grant. */
    noteExchanged(issued: Issued & { askedAt: number }, { client, handles: { consent } }: Code): string {
      const jti = noteIssued(issued, issued.askedAt, client);
      audit.expect("exchangeCode", jti);
      count("exchange");
      const { grant_id: id = "" } = decodeJwt<Claims>(issued.token);
      if (consent !== undefined) grantsOfConsent.set(consent, [...(grantsOfConsent.get(consent) ?? []), id]);
      return id;
    },
    grantsOf: (consent: string): readonly string[] => grantsOfConsent.get(consent) ?? [],
    noteKey(kid: string, askedAt: number): void {
      if (!keys.has(kid)) keys.set(kid, timeline.add<Key>({ what: `key ${kid}`, handles: { kid }, kid }, askedAt));
    },
    /** Records the successor of a refresh token. Each has exactly one. */
    noteSuccessor(of: string, successor: string): void {
      const known = successors.get(of);
      if (known !== undefined && known !== successor) breaches.push("a refresh token has two successors");
      successors.set(of, successor);
    },
    breach(text: string): void {
      breaches.push(text);
    },
    breaches: () => [...timeline.breaches(), ...breaches],
  };
}

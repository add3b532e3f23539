import { decodeJwt, decodeProtectedHeader } from "jose";
import { createExpectations } from "./expectations.ts";
import { createTimeline, type Thing } from "./timeline.ts";

export type Token = Thing & { text: string };
export type Session = Thing & {
  current: string;
  previous?: string;
  /** Somebody is using it: only one refreshes a session at a time, but where two are meant to. */
  busy: boolean;
};
export type Client = Thing & {
  clientId: string;
  secret: string;
  busy: boolean;
  /** Its secret was changed, perhaps, and nobody was told the new one. */
  isLockedOut: boolean;
};
export type Key = Thing & { kid: string };

export type Ledger = ReturnType<typeof createLedger>;

/** An answer of `getToken` or `refreshToken`. */
type Issued = { token: string; refreshToken?: string | undefined };

/** How far a token's `iat` may be from the clock of this process, in seconds. */
const CLOCKS_APART = 30;

/** Whether a token was issued by a clock that is right. */
export function isOfNow(token: string): boolean {
  return Math.abs((decodeJwt(token).iat ?? 0) - Date.now() / 1000) < CLOCKS_APART;
}

/** The ledger of one service: what it acknowledged, and what must hold of that. */
export function createLedger() {
  const timeline = createTimeline();
  const audit = createExpectations();
  const acknowledged = new Map<string, number>();
  const [tokens, sessions, clients]: [Token[], Session[], Client[]] = [[], [], []];
  const sids = new Set<string>();
  const keys = new Map<string, Key>();
  const successors = new Map<string, string>();
  const breaches: string[] = [];
  const listeners = new Set<() => void>();

  function noteToken(token: string, askedAt: number): { sid: string | undefined; subject: string; clientId: string } {
    const { jti = "", sub: subject = "", client_id, sid } = decodeJwt<{ client_id: string; sid?: string }>(token);
    const { kid = "" } = decodeProtectedHeader(token);
    const handles = { jti, kid, subject, clientId: client_id, ...(sid !== undefined && { sid }) };
    if (isOfNow(token)) tokens.push(timeline.add<Token>({ what: `token ${jti}`, handles, text: token }, askedAt));
    return { sid, subject, clientId: client_id };
  }

  function count(act: string): void {
    acknowledged.set(act, (acknowledged.get(act) ?? 0) + 1);
    for (const listener of listeners) listener();
  }

  return {
    timeline,
    audit,
    acknowledged,
    tokens,
    sessions,
    clients,
    keys,
    /** Calls back after each acknowledged act, until the verb that it gives is called. */
    onAcknowledged(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Counts an act that was acknowledged. */
    count,
    /** Counts it, and expects its record. */
    acknowledge(act: string, record: { action: string; id: string }): void {
      audit.expect(record.action, record.id);
      count(act);
    },
    /** Notes tokens that were issued, and gives the `jti`. */
    noteIssued({ token, refreshToken }: Issued, askedAt: number): string {
      const { sid, subject, clientId } = noteToken(token, askedAt);
      if (refreshToken !== undefined && sid !== undefined && !sids.has(sid)) {
        sids.add(sid);
        const session = {
          what: `session ${sid}`,
          handles: { sid, subject, clientId },
          current: refreshToken,
          busy: false,
        };
        sessions.push(timeline.add<Session>(session, askedAt));
      }
      return decodeJwt(token).jti ?? "";
    },
    noteKey(kid: string, askedAt: number): void {
      if (!keys.has(kid)) keys.set(kid, timeline.add<Key>({ what: `key ${kid}`, handles: { kid }, kid }, askedAt));
    },
    /** Notes which refresh token followed from one. Each has one successor, whoever asks and however often. */
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

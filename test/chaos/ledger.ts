import { decodeJwt, decodeProtectedHeader } from "jose";
import { createExpectations } from "./expectations.ts";
import { createTimeline, type Thing } from "./timeline.ts";

export type Token = Thing & { text: string };
export type Grant = Thing & {
  current: string;
  previous?: string;
  /** In use: one operation at a time refreshes a grant, unless two are meant to. */
  busy: boolean;
};
export type Client = Thing & {
  clientId: string;
  secret: string;
  busy: boolean;
  /** Its secret may have changed, and the answer with the new one was lost. */
  isLockedOut: boolean;
};
export type Key = Thing & { kid: string };

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
    /** Adds issued tokens, and returns the `jti`. */
    noteIssued({ token, refreshToken }: Issued, askedAt: number): string {
      const { sid, subject, clientId } = noteToken(token, askedAt);
      if (refreshToken !== undefined && sid !== undefined && !sids.has(sid)) {
        sids.add(sid);
        const grant = {
          what: `grant ${sid}`,
          handles: { sid, subject, clientId },
          current: refreshToken,
          busy: false,
        };
        grants.push(timeline.add<Grant>(grant, askedAt));
      }
      return decodeJwt(token).jti ?? "";
    },
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

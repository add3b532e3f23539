import { randomBytes } from "node:crypto";
import type { AuditRecord } from "../../store/audit.ts";
import type { SignedInPerson } from "../../store/authorization.ts";
import type { SignIn } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { hashOf } from "../tokens/grant.ts";
import { createSecret } from "./secrets.ts";
import type { Browser } from "./step.ts";

export type SignInSessionsOptions = {
  store: Pick<Store, "findSignIn" | "addSignIn" | "renewSignIn" | "revoke">;
  trust: Pick<StoreFollower, "latest" | "catchUp">;
  audit: AuditLog;
  clock: Clock;
  counts: Counters;
  /** Lifetime of a sign-in session. */
  sessionTtl: Seconds;
};

/** A session after a sign-in, and the new value of its cookie. */
export type SignedIn = { signIn: SignIn; cookie: string };

export type SignInSessions = {
  /** The session of a browser, unless it has expired. */
  current(browser: Browser): Promise<SignIn | undefined>;
  /**
   * Signs a person in. The cookie is a new one each time (session fixation). A session of the same person keeps its `sid`, so
   * that its end still ends all tokens; one of another person is ended. `revoked`: the subject was revoked since it was said who the person is.
   */
  signIn(person: SignedInPerson, context: { browser: Browser; clientId: string }): Promise<SignedIn | "revoked">;
  /** Ends a session and revokes all tokens that came by it. Effective on this server before it resolves. */
  end(signIn: Pick<SignIn, "sid" | "subject">, clientId?: string): Promise<{ sequence: number }>;
};

/** The sign-in sessions. */
export function createSignInSessions({
  store,
  trust,
  audit,
  clock,
  counts,
  sessionTtl,
}: SignInSessionsOptions): SignInSessions {
  const recordOf = (action: string, more: Partial<AuditRecord>) =>
    audit.record({ action, outcome: "allowed", ...more });

  async function current({ session }: Browser): Promise<SignIn | undefined> {
    if (session === undefined) return undefined;
    const found = await store.findSignIn(hashOf(session));
    return found !== undefined && found.expiresAt > clock() ? found : undefined;
  }

  async function end({ sid, subject }: Pick<SignIn, "sid" | "subject">, clientId?: string) {
    const record = recordOf("signOut", { subject, target: sid, clientId });
    const sequence = await store.revoke({ kind: "session", id: sid }, record);
    counts.revoked.session += 1;
    await trust.catchUp();
    return { sequence };
  }

  return {
    current,
    end,
    async signIn(person, { browser, clientId }) {
      const { asOf, ...known } = person;
      const sequence = asOf ?? (await trust.latest()).sequence;
      const cookie = createSecret();
      const now = clock();
      const renewal = { ...known, hash: hashOf(cookie), expiresAt: now + sessionTtl };
      const before = await current(browser);
      const record = (sid: string) => recordOf("signIn", { clientId, subject: person.subject, target: sid });
      if (before !== undefined && before.subject === person.subject) {
        const outcome = await store.renewSignIn(before.sid, { ...renewal, sequence }, record(before.sid));
        if (outcome === "renewed") return { signIn: { ...before, scope: undefined, ...renewal }, cookie };
        if (outcome === "revoked") return outcome;
      } else if (before !== undefined) await end(before, clientId);
      const signIn = { ...renewal, sid: randomBytes(16).toString("base64url"), createdAt: now };
      const outcome = await store.addSignIn(signIn, sequence, record(signIn.sid));
      return outcome === "revoked" ? outcome : { signIn, cookie };
    },
  };
}

import type { Seconds } from "../time.ts";
import type { AuditRecord, ChangeRecord } from "./audit.ts";
import type { AuthorizationCode, AuthorizationRequest, DeviceRequest } from "./authorization.ts";
import type { Grant } from "./grant.ts";
import type { IntroducedClientStore } from "./introduced-client-store.ts";
import type { Pruned } from "./pruned.ts";
import type {
  Consent,
  ListedConsent,
  ListedSignIn,
  LogoutNotice,
  SignIn,
  SignInQuery,
  SignInRenewal,
} from "./sign-in.ts";

/**
 * The part of the store for the sign-in of people. No method checks an expiry, unless it says so. Whatever an
 * unauthenticated caller can add expires.
 */
export type PeopleStore = SignInStore & AuthorizationStore & DeviceStore & LogoutStore & IntroducedClientStore;

/** Sign-in sessions. */
export type SignInStore = {
  /** Adds a session, unless its subject was revoked after `sequence`: the position when it was known who the person is. */
  addSignIn(signIn: SignIn, sequence: number, record: ChangeRecord): Promise<"added" | "revoked">;
  /** Replaces the secret and the data of a session after another sign-in, unless its subject was revoked after `sequence`. */
  renewSignIn(
    sid: string,
    change: SignInRenewal & { sequence: number },
    record: ChangeRecord,
  ): Promise<"renewed" | "revoked" | "unknown">;
  /** Finds a session by the hash of the secret in its cookie. */
  findSignIn(hash: string): Promise<SignIn | undefined>;
  findSignInBySid(sid: string): Promise<SignIn | undefined>;
  /** The sessions of a subject that have not expired, newest first. */
  listSignIns(query: SignInQuery): Promise<ListedSignIn[]>;
  /**
   * Deletes what has expired of sessions, codes and logout notices: at most `limit` rows. A used code is retained until the
   * time that its redemption gave. A notice is retained as long as its session, until the time that its redemption gave, and
   * for a day after it became due.
   */
  pruneSignInData(now: Seconds, limit: number): Promise<Pruned>;
  /** Deletes expired authorization requests and device requests, which anybody can add: at most `limit` rows. */
  pruneRequests(now: Seconds, limit: number): Promise<Pruned>;
};

/** Authorization requests, codes and consents. */
export type AuthorizationStore = {
  /** Adds a request. No audit record: nobody has acted yet. */
  addAuthorizationRequest(request: AuthorizationRequest): Promise<void>;
  /** Finds a request by the hash of its handle. */
  findAuthorizationRequest(handle: string): Promise<AuthorizationRequest | undefined>;
  /**
   * Stores who the person is, or that the sign-in was refused, and gives the request the handle of `answer`. Of concurrent calls
   * for a handle, one gets `set`.
   */
  setPerson(handle: string, answer: SignInAnswer, record: AuditRecord): Promise<"set" | "unknown">;
  /** Forgets who the person is. Of concurrent calls, one gets `taken`: an answer signs a person in once. */
  takePerson(handle: string): Promise<"taken" | "unknown">;
  /** Removes a request. Of concurrent calls, one gets `removed`. */
  removeAuthorizationRequest(handle: string, record?: AuditRecord): Promise<"removed" | "unknown">;

  /**
   * Adds a code, and stores the consents that the person gave with it. `ended`: the sign-in session is unknown, or the
   * subject or client was revoked after `change.sequence`. `not_agreed`: a consent is neither given nor stored. `unknown`: the
   * request or device request of `change` is not stored any more, or was denied. Otherwise deletes that in the same
   * transaction, so it leads to one code.
   */
  addCode(
    code: AuthorizationCode,
    change: CodeChange,
    record: ChangeRecord,
  ): Promise<"added" | "ended" | "not_agreed" | "unknown">;
  /** Finds a code by its hash, used or not. */
  findCode(hash: string): Promise<AuthorizationCode | undefined>;
  /**
   * Exchanges a code for a grant: of any number of concurrent calls, one gets `redeemed`. `revoked`: the subject or client
   * of the grant was revoked after `redemption.sequence`. `unknown`: also where the session of the code was revoked.
   */
  redeemCode(
    hash: string,
    redemption: Redemption,
    record: ChangeRecord,
  ): Promise<"redeemed" | "used" | "unknown" | "revoked">;
  /** Deletes a code that was not used. */
  endCode(hash: string, record: AuditRecord): Promise<"ended" | "unknown">;

  /** The consents of a subject for a client, in any order. */
  findConsents(of: SubjectAndClient): Promise<Consent[]>;
  /** The consents of a subject, newest first. */
  listConsents(subject: string): Promise<ListedConsent[]>;
  /** Deletes the consents and the unused codes of a subject for a client. Returns the number of consents. Ends no grant. */
  removeConsents(of: SubjectAndClient, record: ChangeRecord): Promise<number>;
  /** The `sid`s of the grants of a subject to a client that came by a sign-in, in any order. */
  findGrantIds(of: SubjectAndClient): Promise<string[]>;
};

/** Device authorization requests (RFC 8628). */
export type DeviceStore = {
  /** Adds a request, unless its device code or user code exists. */
  addDeviceRequest(request: DeviceRequest, record: AuditRecord): Promise<"added" | "present">;
  findDeviceRequest(by: { hash: string } | { userCode: string }): Promise<DeviceRequest | undefined>;
  /** Binds a request to the first browser that enters its user code. `taken`: another browser was first. */
  claimDeviceRequest(hash: string, browser: string): Promise<"claimed" | "taken" | "unknown">;
  denyDeviceRequest(hash: string, record: AuditRecord): Promise<"denied" | "unknown">;
  /** Stores that the device asked. Too soon: it must wait 5 s longer between two requests from now on (RFC 8628 §3.5). */
  pollDeviceRequest(
    hash: string,
    at: { now: Seconds },
  ): Promise<{ request: DeviceRequest; tooSoon: boolean } | undefined>;
};

/** Notices of the end of sessions. They become due when their session or its subject is revoked. */
export type LogoutStore = {
  /** Due notices, the longest due first. Each is due again after `lease` seconds: no other server takes it meanwhile. */
  takeLogouts(now: Seconds, options: { limit: number; lease: Seconds }): Promise<LogoutNotice[]>;
  /** Counts a failed attempt, and sets when the next is due. */
  postponeLogout(notice: NoticeId, dueAt: Seconds): Promise<void>;
  /** Deletes a notice. */
  finishLogout(notice: NoticeId): Promise<void>;
};

export type SignInAnswer = { person: NonNullable<AuthorizationRequest["person"]>; handle: string };

export type SubjectAndClient = { subject: string; clientId: string };
type NoticeId = Pick<LogoutNotice, "sid" | "clientId">;

export type CodeChange = {
  /** The position when it was known who the person is. */
  sequence: number;
  /** What the code needs consent to, of its subject for its client. Empty where none is needed. */
  consents: readonly Consent[];
  /** Whether the person has just agreed to them: then they are stored, with the scopes of those stored before. */
  agrees: boolean;
  /** The request that is answered, by the hash of its handle, or the device request, by the hash of its device code. */
  handle?: string | undefined;
  device?: string | undefined;
};

export type Redemption = {
  grant: Grant;
  /** SHA-256 of the first refresh token. Absent: the grant has none. */
  refreshHash?: string | undefined;
  /** The position at which the first access token was prepared. */
  sequence: number;
  /** Until when the code is retained, to detect its second use. */
  until: Seconds;
  /** Whether the client is notified of the end of the session. */
  notify: boolean;
};

import type { AuthorizationCode } from "../../store/authorization.ts";
import { rightsOf } from "../../store/client.ts";
import type { Consent, SignIn } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Settings } from "../settings.ts";
import { hashOf } from "../tokens/grant.ts";
import { grantableScope, isCovered, mustAsk, neededConsents, needsConsent, receiverOfRequest } from "./agreement.ts";
import { answerTo, ERRORS, type Fail, refused } from "./answers.ts";
import { askingClient, continueUrl, describeTarget } from "./description.ts";
import type { PendingRequest } from "./pending.ts";
import type { Asked, Requests } from "./requests.ts";
import { createCode, formToken, isFormToken } from "./secrets.ts";
import type { Browser, Step } from "./step.ts";

/** Lifetime of a code, and the shortest one of the approval of a device code. */
const CODE_LIFETIME: Seconds = 60;

export type DecisionsOptions = {
  store: Pick<Store, "addCode" | "findConsents" | "findResources" | "removeAuthorizationRequest">;
  requests: Requests;
  settings: Pick<Settings, "issuer">;
  audit: AuditLog;
  clock: Clock;
  fail: Fail;
};

/** A request, the browser that it came by, and the session of the person there. */
type SignedInRequest = { asked: Asked; browser: Browser; signIn: SignIn };

/** `ended`: the session has ended since it was read. `other_person`: the page was made for another session. */
export type Decisions = {
  /** Grants what the person has agreed to before, or else asks. */
  resolve(request: SignedInRequest): Promise<Step | "ended">;
  /** The answer of the consent page. */
  decide(
    request: SignedInRequest,
    decision: { allow: boolean; token: string },
  ): Promise<Step | "ended" | "other_person">;
  /** Whether a token is of the consent page of this request for this person. */
  isOfPage(request: SignedInRequest, token: string): boolean;
};

/** What people agree to. The only place that makes codes, and approves devices (P17). */
export function createDecisions({ store, requests, settings, audit, clock, fail }: DecisionsOptions): Decisions {
  async function ask({ asked, browser, signIn }: SignedInRequest): Promise<Step> {
    const { client, request } = asked;
    if (request.prompt.none) return fail(asked, ERRORS.consentRequired);
    const outcome = await requests.keep(asked, browser);
    if ("retryAfter" in outcome) return { ...refused("rate_limited"), ...outcome };
    const { handle, key } = outcome.kept;
    return {
      step: "consent",
      handle,
      url: continueUrl(settings.issuer(), handle),
      token: formToken(key, purposeOf(handle, signIn)),
      subject: signIn.subject,
      client: askingClient(client),
      host: receiverOfRequest(request),
      ...(await describeTarget(store, { ...request, scope: grantableScope(request.scope, signIn) })),
      cookies: outcome.cookies,
    };
  }

  /** Stores a code, or the approval of a device, and what was agreed to, in one change. */
  async function grant(
    { asked, browser, signIn }: SignedInRequest,
    { consents, agrees }: { consents: readonly Consent[]; agrees: boolean },
  ): Promise<Step | "ended"> {
    const { request, client, kept } = asked;
    const { clientId } = client;
    const secret = createCode();
    const { subject, sid } = signIn;
    const record = audit.record({ action: "authorize", outcome: "allowed", clientId, subject, target: sid });
    const { target } = request;
    const outcome = await store.addCode(
      codeOf(request, signIn, { secret, now: clock() }),
      {
        // The rights of the client are those of this moment, and are compared again under the lock.
        sequence: client.asOf,
        consents,
        agrees,
        ...(kept !== undefined && { handle: hashOf(kept.handle) }),
        ...(target.kind === "device" && { device: target.hash }),
      },
      { ...record, managed: { clientId, rights: rightsOf(client) } },
    );
    if (outcome === "ended") return outcome;
    if (outcome === "not_agreed") return ask({ asked, browser, signIn });
    if (outcome === "unknown") return refused("expired");
    if (target.kind === "device") return { step: "device_done", allowed: true };
    return answerTo(target, { issuer: settings.issuer(), code: secret });
  }

  function isOfPage({ asked: { kept }, browser, signIn }: SignedInRequest, token: string): boolean {
    return kept !== undefined && isFormToken(browser.key, purposeOf(kept.handle, signIn), token);
  }

  return {
    isOfPage,

    async resolve({ asked, browser, signIn }) {
      const { request, client } = asked;
      if (grantableScope(request.scope, signIn) === "") return fail(asked, ERRORS.notAllowed);
      const consents = needsConsent(request, client) ? neededConsents(request, signIn, clock()) : [];
      const [first] = consents;
      const given = first === undefined || mustAsk(request) ? [] : await store.findConsents(first);
      if (mustAsk(request) || !isCovered(consents, given)) return ask({ asked, browser, signIn });
      return grant({ asked, browser, signIn }, { consents, agrees: false });
    },

    async decide({ asked, browser, signIn }, { allow, token }) {
      const { request, client } = asked;
      if (!isOfPage({ asked, browser, signIn }, token)) return "other_person";
      if (grantableScope(request.scope, signIn) === "") return fail(asked, ERRORS.notAllowed);
      const consents = neededConsents(request, signIn, clock());
      if (allow) return grant({ asked, browser, signIn }, { consents, agrees: true });
      const { sid, subject } = signIn;
      const entry = { clientId: client.clientId, subject, target: sid, reason: "access_denied" };
      const record = audit.record({ action: "authorize", outcome: "refused", ...entry });
      return fail(asked, ERRORS.denied, record);
    },
  };
}

/** What the token of the consent form stands for: this request, decided by this person. */
function purposeOf(handle: string, { sid }: Pick<SignIn, "sid">): string {
  return `${handle}.${sid}`;
}

function codeOf(
  { clientId, target, audience, scope }: PendingRequest,
  signIn: SignIn,
  { secret, now }: { secret: string; now: Seconds },
): AuthorizationCode {
  const { sid, subject, authTime, claims, profile } = signIn;
  const granted = { clientId, sid, subject, authTime, claims, profile, audience, createdAt: now };
  const all = { ...granted, scope: grantableScope(scope, signIn) };
  // The device that asks every few seconds finds also what was approved in the last one.
  const latest = now + CODE_LIFETIME;
  if (target.kind === "device") return { ...all, hash: target.hash, expiresAt: Math.max(target.expiresAt, latest) };
  const { redirectUri, challenge, nonce } = target;
  return { ...all, hash: hashOf(secret), redirectUri, challenge, nonce, expiresAt: latest };
}

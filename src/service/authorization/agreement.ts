import type { Client } from "../../store/client.ts";
import type { Consent, SignIn } from "../../store/sign-in.ts";
import type { Seconds } from "../../time.ts";
import { receiverOf } from "../clients/redirect-uri.ts";
import { OPENID_SCOPES } from "./openid.ts";
import type { PendingRequest } from "./pending.ts";

/** The receiver of consents for devices, which have no redirect URI. No host and no scheme of an application is named so. */
const DEVICE = "device:";

/** Where the answer to a request goes, as people see it and as their consents have it. */
export function receiverOfRequest({ target }: Pick<PendingRequest, "target">): string {
  return target.kind === "device" ? DEVICE : receiverOf(target.redirectUri);
}

/** What has to be agreed to: for each resource, all scope tokens that the person can grant. */
export function neededConsents(request: PendingRequest, signIn: SignIn, at: Seconds): Consent[] {
  const { clientId, audience } = request;
  const host = receiverOfRequest(request);
  const scopes = grantableScope(request.scope, signIn)?.split(" ") ?? [];
  return [audience].flat().map((audience) => ({ subject: signIn.subject, clientId, host, audience, scopes, at }));
}

/** Whether each needed consent is covered by one that was given. */
export function isCovered(needed: readonly Consent[], given: readonly Consent[]): boolean {
  const covers = (consent: Consent, { host, audience, scopes }: Consent) =>
    consent.host === host && consent.audience === audience && scopes.every((name) => consent.scopes.includes(name));
  return needed.every((one) => given.some((consent) => covers(consent, one)));
}

/** Whether the person has to agree at all: to a first-party client, nobody has to. */
export function needsConsent(request: Pick<PendingRequest, "target" | "prompt">, { firstParty }: Client): boolean {
  return mustAsk(request) || !firstParty;
}

/**
 * Whether the person is asked although they have agreed before. A device is always asked about: a stranger who shows a person a user
 * code would otherwise sign in as them without a question (RFC 8628 §5.4).
 */
export function mustAsk({ target, prompt }: Pick<PendingRequest, "target" | "prompt">): boolean {
  return prompt.consent || target.kind === "device";
}

/**
 * The scope that a person can grant: the requested one without what they themselves may not (RFC 6749 §3.3). `undefined`
 * where nothing was requested; an empty text where nothing is left.
 */
export function grantableScope(
  requested: string | undefined,
  { scope: allowed }: Pick<SignIn, "scope">,
): string | undefined {
  if (requested === undefined || allowed === undefined) return requested;
  const may = new Set([...allowed.split(" "), ...OPENID_SCOPES]);
  return requested
    .split(" ")
    .filter((name) => may.has(name))
    .join(" ");
}

import type { Consent } from "./sign-in.ts";

/** Whether a stored consent has all scopes of another one, of the same subject for the same client. */
export function isAgreed(wanted: Consent, stored: readonly Consent[]): boolean {
  const known = sameOf(wanted, stored);
  return known !== undefined && wanted.scopes.every((scope) => known.scopes.includes(scope));
}

/** The consent to store where a person gives one: earlier scopes stay. */
export function unitedWith(given: Consent, stored: readonly Consent[]): Consent {
  const scopes = new Set([...(sameOf(given, stored)?.scopes ?? []), ...given.scopes]);
  return { ...given, scopes: [...scopes] };
}

function sameOf({ host, audience }: Consent, stored: readonly Consent[]): Consent | undefined {
  return stored.find((one) => one.host === host && one.audience === audience);
}

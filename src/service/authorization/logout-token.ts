import { randomUUID } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { LogoutNotice } from "../../store/sign-in.ts";
import type { Clock, Seconds } from "../../time.ts";
import { signJws } from "../../token/sign.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Settings } from "../settings.ts";

/** Another type than those of access tokens and `id_token`s: neither is accepted for the other (Back-Channel Logout 1.0 §2.4). */
const LOGOUT_TYPE = "logout+jwt";
const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

/** Longest validity of a logout token (Back-Channel Logout 1.0 §2.4: two minutes at most). Another is signed for each attempt. */
const TTL: Seconds = 120;

export type LogoutTokenOptions = {
  settings: Pick<Settings, "issuer">;
  keys: Pick<LoadedKeys, "current">;
  clock: Clock;
};

/** Signs the token that notifies a client of the end of a session. It has no `nonce`: so it is no `id_token`. */
export function signLogoutToken(
  { sid, clientId, subject }: LogoutNotice,
  { settings, keys, clock }: LogoutTokenOptions,
): Promise<string> {
  const { signing } = keys.current();
  if (signing === undefined) throw new MintmarkError("unavailable");
  const iat = clock();
  const claims = { iss: settings.issuer(), aud: clientId, sub: subject, sid, jti: randomUUID(), events: EVENTS };
  return signJws(JSON.stringify({ ...claims, iat, exp: iat + TTL }), signing, LOGOUT_TYPE);
}

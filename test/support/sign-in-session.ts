import { randomBytes, randomUUID } from "node:crypto";
import { hashOf } from "../../src/service/tokens/grant.ts";
import type { AuditRecord } from "../../src/store/audit.ts";
import type { SignIn } from "../../src/store/sign-in.ts";
import type { Store } from "../../src/store/store.ts";
import { ISSUER, NOW } from "./service.ts";

const random = () => randomBytes(32).toString("base64url");

const recordOf = (action: string): AuditRecord => ({ id: randomUUID(), at: NOW, action, outcome: "allowed" });

/** Signs a person in, in the store. `cookie` is the value of the cookie of the browser. */
export async function addSession(store: Store, fields: Partial<SignIn> = {}): Promise<{ sid: string; cookie: string }> {
  const [sid, cookie] = [randomBytes(16).toString("base64url"), random()];
  const times = { authTime: NOW, createdAt: NOW, expiresAt: NOW + 7 * 86400 };
  const signIn = { sid, hash: hashOf(cookie), subject: "ada", claims: {}, profile: {}, ...times, ...fields };
  const { sequence } = await store.position();
  await store.addSignIn(signIn, sequence, recordOf("signIn"));
  return { sid: signIn.sid, cookie };
}

/** Gives a client a grant of a session, as the redemption of a code does. `notify`: a notice is due when the session ends. */
export async function addGrantOf(
  store: Store,
  {
    sid,
    clientId,
    subject = "ada",
    notify = true,
  }: { sid: string; clientId: string; subject?: string; notify?: boolean },
): Promise<void> {
  const { sequence } = await store.position();
  const code = {
    hash: hashOf(random()),
    clientId,
    sid,
    subject,
    authTime: NOW,
    claims: {},
    profile: {},
    audience: ISSUER,
  };
  const lives = { createdAt: NOW, expiresAt: NOW + 60 };
  await store.addCode({ ...code, ...lives }, { sequence, consents: [], agrees: false }, recordOf("authorize"));
  const grant = {
    ...{ sid: random(), signIn: sid, clientId, subject, audience: ISSUER, claims: {}, ttl: 900, seed: random() },
    ...{ createdAt: NOW, expiresAt: NOW + 86400, idleUntil: NOW + 86400 },
  };
  const redemption = { grant, sequence, until: NOW + 86400, notify };
  await store.redeemCode(code.hash, redemption, recordOf("exchangeCode"));
}

import { decodeProtectedHeader } from "jose";
import { z } from "zod";
import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { Opening, Service } from "./reopened.ts";
import { NOW } from "./service.ts";
import { callerOf } from "./with-client.ts";

export const HOUR = 3600;
export const DAY = 24 * HOUR;

/** The first opening of the store, as verifiers know it. */
export const BEFORE: Opening = { maxTtl: 7 * DAY };

/** Later openings: one line for each setting. */
export const AFTERWARDS: Record<string, Opening> = {
  "as before": BEFORE,
  "with a lower limit of lifetimes": { maxTtl: 600, ttl: 300 },
  "with a higher limit of lifetimes": { maxTtl: 30 * DAY },
  "with a stricter claims schema": { ...BEFORE, claims: z.object({ role: z.enum(["reader"]) }) },
  "with another issuer": { ...BEFORE, issuer: "https://other.example" },
  "with another audience": { ...BEFORE, audience: "https://orders.example" },
  "with another algorithm": { ...BEFORE, alg: "EdDSA" },
  "with another rotation": { ...BEFORE, rotation: 2 * HOUR },
  "with a shared secret": { ...BEFORE, secret: "a secret that has more than thirty-two bytes" },
  "with shorter sessions": { ...BEFORE, refreshTtl: DAY, refreshIdle: HOUR, replayWindow: 1 },
  "with open access": { ...BEFORE, open: true },
  "by a clock that is a minute ahead": { ...BEFORE, now: NOW + 60 },
  "by a clock that is a minute behind": { ...BEFORE, now: NOW - 60 },
  "by a command without any variable": { guest: true },
  "by a command with other variables": {
    guest: true,
    issuer: "https://other.example",
    alg: "RS256",
    maxTtl: 600,
    ttl: 300,
  },
};

/** What must end: a token of a client, with its grant. */
export type There = { token: string; refreshToken: string; caller: Caller; subject: string };

export async function begin(service: Service, subject = "ada"): Promise<There> {
  const caller = await callerOf(service);
  const request = { subject, claims: {}, expiresIn: 7 * DAY, refreshable: true };
  const { token, refreshToken = "" } = await service.getToken(caller, request);
  return { token, refreshToken, caller, subject };
}

type End = (service: Service, there: There) => Promise<unknown>;
export type Ending = { name: string; end: End; there: There };

/** Comes last: the key signed earlier tokens, too, unless it was rotated before. */
const KILLING = "killing its key";

/** Ways to end it: one line for each. */
export const ENDINGS: Record<string, End> = {
  "revoking the token": (service, { token }) => service.revokeToken(localCaller, token),
  "revoking its session": (service, { refreshToken }) => service.revokeToken(localCaller, refreshToken),
  "revoking its subject": (service, { subject }) => service.revokeAll(localCaller, { kind: "subject", id: subject }),
  "revoking its client": (service, { caller }) =>
    service.revokeAll(localCaller, { kind: "client", id: caller.clientId }),
  "removing its client": (service, { caller }) => service.clients.remove(localCaller, caller.clientId),
  [KILLING]: (service, { token }) => service.keys.revoke(localCaller, decodeProtectedHeader(token).kid ?? ""),
};

/** Begins a token for each ending. */
export async function beginEach(service: Service): Promise<Ending[]> {
  const begun: Ending[] = [];
  for (const [name, end] of Object.entries(ENDINGS)) {
    if (name === KILLING) await service.keys.rotate(localCaller, { immediate: true });
    begun.push({ name, end, there: await begin(service, name) });
  }
  return begun;
}

import { z } from "zod";
import type { Seconds } from "../../time.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";
import { createDeadline } from "./deadline.ts";
import { readText, request, type Service } from "./http-client.ts";
import { ExchangeError } from "./issuer-error.ts";

const TIMEOUT = 10_000;
const MAX_BYTES = 1024 * 1024;
const MAX_AGE: { min: Seconds; max: Seconds; usual: Seconds } = { min: 10, max: 86400, usual: 600 };

const jwkSet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(100) });

/** The keys that are published, not looked into, for how long they may be kept, and for how long they were already. */
export type PublishedKeys = { keys: TrustedKey[]; maxAge: Seconds; age: Seconds };

/** Fetches the JWK Set (RFC 7517 §5). Rejects where it cannot be had within 10 seconds. */
export async function fetchJwkSet({ url, fetch, closing }: Service): Promise<PublishedKeys> {
  const deadline = createDeadline(closing);
  try {
    deadline.extend(TIMEOUT);
    const { headers, body } = await request(`${url}/.well-known/jwks.json`, {
      // It is fetched so seldom that a connection kept for the next time would only be in the way of whoever ends.
      headers: { accept: "application/jwk-set+json, application/json", connection: "close" },
      signal: deadline.signal,
      fetch,
    });
    const { keys } = parseJwkSet(await readText(body, MAX_BYTES));
    return { keys: keys.map((jwk) => ({ jwk })), maxAge: maxAgeOf(headers), age: ageOf(headers) };
  } finally {
    deadline.end();
  }
}

function parseJwkSet(text: string): z.output<typeof jwkSet> {
  try {
    return jwkSet.parse(JSON.parse(text));
  } catch {
    throw new ExchangeError("The service sent what is no JWK Set");
  }
}

/** The `max-age` of RFC 9111 §5.2.2.1, within bounds: of a day at most, and never such that the service is flooded. */
function maxAgeOf(headers: Headers): Seconds {
  const directives = headers.get("cache-control") ?? "";
  const [, seconds] = directives.match(/(?:^|[\s,])max-age="?(\d{1,9})/i) ?? [];
  if (/(?:^|[\s,])no-(?:store|cache)/i.test(directives)) return MAX_AGE.min;
  return seconds === undefined ? MAX_AGE.usual : Math.min(Math.max(Number(seconds), MAX_AGE.min), MAX_AGE.max);
}

/** How long a cache on the way has kept an answer (RFC 9111 §5.1). */
function ageOf(headers: Headers): Seconds {
  const value = headers.get("age") ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) : 0;
}

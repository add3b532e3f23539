import * as z from "zod/mini";
import { type LifetimeBounds, maxAgeOf, parseAge } from "../../remote/cache-lifetime.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import type { TrustedKey } from "../../trust/trust-update.ts";
import { createDeadline } from "./deadline.ts";
import { readText, request, type Service } from "./http-client.ts";
import { IssuerError } from "./issuer-error.ts";

/** Shortest time between two fetches for an unknown `kid`: anyone can send tokens with new kids. */
export const REFETCH_INTERVAL_MS: Milliseconds = 1000;

/** Longest time of a fetch. */
export const TIMEOUT_MS: Milliseconds = 10_000;
const MAX_BYTES = 1024 * 1024;
const MAX_AGE: LifetimeBounds = { min: 10, max: 86400, fallback: 600 };

const jwkSet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).check(z.maxLength(100)) });

/** The published keys, not validated; how long they may be cached, and how long a cache on the way has had them. */
export type PublishedKeys = { keys: TrustedKey[]; maxAge: Seconds; age: Seconds };

/** Fetches the JWK Set (RFC 7517 §5). Rejects after 10 s. */
export async function fetchJwkSet({ url, fetch, closing }: Service): Promise<PublishedKeys> {
  const deadline = createDeadline(closing);
  try {
    deadline.extend(TIMEOUT_MS);
    const { headers, body } = await request(`${url}/.well-known/jwks.json`, {
      // An idle connection would delay the exit of the process.
      headers: { accept: "application/jwk-set+json, application/json", connection: "close" },
      signal: deadline.signal,
      fetch,
    });
    const { keys } = parseJwkSet(await readText(body, MAX_BYTES));
    return {
      keys: keys.map((jwk) => ({ jwk })),
      maxAge: maxAgeOf(headers.get("cache-control") ?? "", MAX_AGE),
      age: parseAge(headers.get("age") ?? ""),
    };
  } finally {
    deadline.end();
  }
}

function parseJwkSet(text: string): z.output<typeof jwkSet> {
  try {
    return jwkSet.parse(JSON.parse(text));
  } catch {
    throw new IssuerError("The service sent no valid JWK Set");
  }
}

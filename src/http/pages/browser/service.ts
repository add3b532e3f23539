import type { Reason } from "../../../errors.ts";

/** The service, beside this script: a proxy may have put both below a path. */
const ROOT = new URL(".", import.meta.url);
const PROCEDURES = new URL("trpc/", ROOT);

/** A reason of the catalogue, or that the service does not answer. */
export type Refused = { message: string; reason: Reason | "unreachable" };

export type Answer<Data> = { data: Data; error?: undefined } | { data?: undefined; error: Refused };

export type Issued = { token: string; expiresIn: number; refreshToken?: string };

type Credentials = { clientId: string; clientSecret: string };

/** In this variable and nowhere else: storage and URLs outlive the page. */
let credentials: Credentials | undefined;

export function useCredentials(given: Credentials | undefined): void {
  credentials = given;
}

/** `x-requested-with` makes the service omit the Basic challenge, so that a 401 opens no dialog of the browser. */
function headers(): Record<string, string> {
  const common = { "x-requested-with": "XMLHttpRequest" };
  if (credentials === undefined) return common;
  // RFC 6749 §2.3.1: each is form-encoded before it becomes a part of the pair.
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  const pair = `${encode(credentials.clientId)}:${encode(credentials.clientSecret)}`;
  return { ...common, authorization: `Basic ${btoa(pair)}` };
}

/** Calls a procedure by POST, queries too, so that no input is part of a URL. */
export async function call<Data>(procedure: string, input: object): Promise<Answer<Data>> {
  try {
    const response = await fetch(new URL(procedure, PROCEDURES), {
      method: "POST",
      headers: { ...headers(), "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    const { result, error } = await response.json();
    return error === undefined ? { data: result.data } : { error: refused(error) };
  } catch {
    return { error: { message: "The service does not answer", reason: "unreachable" } };
  }
}

type WireError = { message: string; data: { reason: Reason; issues?: { path: string; message: string }[] } };

/** A message has the first issue; the others follow it here. */
function refused({ message, data: { reason, issues = [] } }: WireError): Refused {
  return { reason, message: [message, ...issues.slice(1).map((issue) => `${issue.path} ${issue.message}`)].join("; ") };
}

/** The `kid`s of the public keys. */
export async function publicKids(): Promise<string[]> {
  const response = await fetch(new URL(".well-known/jwks.json", ROOT));
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

/** Opens the feed of trust events. An `EventSource` can send no credentials. */
export async function openFeed(after: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | Refused> {
  const resume = after === "" ? {} : { "last-event-id": after };
  const response = await fetch(new URL("events", PROCEDURES), { headers: { ...headers(), ...resume }, signal });
  if (response.ok && response.body !== null) return response.body;
  return refused((await response.json()).error);
}

import type { IncomingMessage } from "node:http";
import { decodeBasic, type PresentedCredentials } from "../../token/client-secret-basic.ts";

/** Credentials that no client has: unreadable credentials are rejected like wrong ones. */
const UNREADABLE: PresentedCredentials = { clientId: "", clientSecret: "" };

/** The HTTP Basic credentials of a request; `undefined` without an `Authorization` header. */
export function credentialsOf({ headers, headersDistinct }: IncomingMessage): PresentedCredentials | undefined {
  if (headers.authorization === undefined) return undefined;
  // Of two headers, a proxy in between may have checked the other one.
  if (headersDistinct.authorization?.length !== 1) return UNREADABLE;
  return decodeBasic(headers.authorization) ?? UNREADABLE;
}

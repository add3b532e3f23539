import { decodeBasic, type PresentedCredentials, UNREADABLE } from "../token/decode-basic.ts";
import { authorizationOf, type HeaderFields } from "../verifier/middleware/bearer.ts";
import type { ReceivedContext } from "./procedure.ts";

/**
 * Makes the context of the procedures from a request: the client's credentials by HTTP Basic, and its address.
 *
 *     createContext: ({ req }) => ({ ...tokenContext({ headers: req.headers, address: req.socket.remoteAddress }), user })
 *
 * `headers`: a `Headers`, or Node's object. Without an `address`, no limit by address applies; behind a proxy it is not that
 * of the socket. Not checked: the host name and the origin of the request, so set `open: false`.
 */
export function tokenContext({
  headers,
  address,
}: {
  headers: HeaderFields;
  address?: string | undefined;
}): ReceivedContext & {
  address: string | undefined;
} {
  return { client: { credentials: credentialsIn(authorizationOf(headers)), address }, address };
}

function credentialsIn([authorization, ...others]: readonly string[]): PresentedCredentials | undefined {
  if (authorization === undefined) return undefined;
  return others.length > 0 ? UNREADABLE : (decodeBasic(authorization) ?? UNREADABLE);
}

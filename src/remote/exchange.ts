import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Milliseconds } from "../time.ts";

/** How to reach a server whose addresses are known. `ca`: PEM certificates to trust; default: those of Node. */
export type Connection = { addresses: readonly string[]; signal: AbortSignal; ca?: string | undefined };

const HEADERS = { accept: "application/json", "accept-encoding": "identity", "user-agent": "mintmark" };
const FORM_TYPE = "application/x-www-form-urlencoded";
const ATTEMPT_TIMEOUT_MS: Milliseconds = 1000;

/**
 * Requests a URL from one of the given addresses. TLS and `Host` have the name of the URL, and no DNS is queried: so an
 * attacker's name server cannot answer a check with one address and the connection with another (rebinding). Every call has
 * a connection of its own, past proxies of the environment. Resolves with the head of the response; follows no redirect.
 * With a `form`, which is encoded, sends it by POST; else by GET.
 */
export function exchange(url: URL, { addresses, signal, ca }: Connection, form?: string): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const options = {
      agent: false,
      // Node's 250 ms are too short for distant servers: the attempts on all addresses would fail.
      autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
      ...(form === undefined ? { headers: HEADERS } : postOf(form)),
      lookup: lookupIn(addresses),
      // NODE_TLS_REJECT_UNAUTHORIZED must not change whose keys are trusted.
      rejectUnauthorized: true,
      signal,
      ...(ca !== undefined && { ca }),
    } as const;
    const sent = request(url, options, resolve);
    // Node ends the request at an answer 101 without an error, and then heeds no signal.
    sent.on("upgrade", (_response, socket) => socket.destroy());
    sent.on("close", () => reject(new Error("The connection ended without a response")));
    sent.on("error", reject).end(form);
  });
}

function postOf(form: string) {
  const headers = { ...HEADERS, "content-type": FORM_TYPE, "content-length": Buffer.byteLength(form) };
  return { method: "POST", headers };
}

/** Answers every lookup with the given addresses. Node performs none for a host that is an address. */
function lookupIn(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  const [first = { address: "", family: 0 }] = all;
  return (_host, options, callback) => {
    if (options.all) callback(null, all);
    else callback(null, first.address, first.family);
  };
}

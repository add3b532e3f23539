import { TRPCClientError } from "@trpc/client";
import { ForeignAnswerError } from "../client/client.ts";
import { StartError } from "../errors.ts";
import { failureCode } from "../store/failure-code.ts";
import { endpointFault } from "../token/http-url.ts";

const CERTIFICATE =
  "its TLS certificate is not trusted: set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority";
const NO_HTTP = "what listens there does not speak HTTP: check the port";
const NO_TLS = "TLS with it failed: check the port, and whether the URL must begin with http://";
const TIMEOUT = "there was no answer in time: check the host and the port, and the network between, such as a firewall";
const NO_WAY = "there is no way to its host: check the host, and the network between";
const CLOSED = "it closed the connection: check the port, and that the service runs";

/** What to do about a failure on the way to a service, by its code: of sockets, names, TLS and HTTP. */
const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: check the host and the port, and that the service runs",
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  ENOTFOUND: "no host of that name is known: check the host",
  EAI_AGAIN: "the name of its host cannot be looked up: check the host, and the DNS of this machine",
  EHOSTUNREACH: NO_WAY,
  ENETUNREACH: NO_WAY,
  EHOSTDOWN: NO_WAY,
  EADDRNOTAVAIL: NO_WAY,
  EACCES: "this program may not connect to it: check the rules of the firewall and of the service manager",
  EPERM: "this program may not connect to it: check the rules of the firewall and of the service manager",
  EMFILE: "this process has too many open files: raise its limit",
  ETIMEDOUT: TIMEOUT,
  UND_ERR_CONNECT_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: TIMEOUT,
  UND_ERR_BODY_TIMEOUT: TIMEOUT,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  CERT_UNTRUSTED: CERTIFICATE,
  CERT_SIGNATURE_FAILURE: CERTIFICATE,
  CERT_HAS_EXPIRED: "its TLS certificate has expired: renew it",
  CERT_NOT_YET_VALID: "its TLS certificate is not valid yet: check the clocks of both machines",
  CERT_REVOKED: "its TLS certificate was revoked: renew it",
  ERR_TLS_CERT_ALTNAME_INVALID: "its TLS certificate is for another host: name the host as the certificate does",
  EPROTO: NO_TLS,
  ERR_SSL: NO_TLS,
  HPE: NO_HTTP,
  UND_ERR_HEADERS_OVERFLOW: NO_HTTP,
};

/** Throws a {@link StartError} where a service cannot have that URL. Quotes nothing of one that may have a password in it. */
export function checkServiceUrl(url: string): void {
  const must = "must be the http or https URL of a service, such as https://tokens.example";
  if (!URL.canParse(url)) throw new StartError(`--url ${must}`);
  const { protocol, username, password, search, hash } = new URL(url);
  if (`${username}${password}` !== "")
    throw new StartError("--url must have no password in it: set MINTMARK_CLIENT_ID and MINTMARK_CLIENT_SECRET");
  if (!/^https?:$/.test(protocol)) throw new StartError(`--url ${must}`);
  if (`${search}${hash}` !== "") throw new StartError("--url must have no query and no fragment");
  const fault = endpointFault(url);
  if (fault !== undefined) throw new StartError(`--url ${fault}`);
}

/** Says in one sentence why a service gave no answer of its own. Undefined where nothing is known of that. */
export function connectionError(error: unknown, url: string): string | undefined {
  const service = `The service at ${displayUrl(new URL(url))}`;
  const response = responseOf(error);
  if (response !== undefined) return `${service} ${answerError(response)}`;
  const code = failureCode(error);
  const remedy = REMEDIES[code ?? ""] ?? REMEDIES[/^(ERR_SSL|HPE)_/.exec(code ?? "")?.[1] ?? ""];
  if (remedy !== undefined) return `${service} cannot be reached (${code}): ${remedy}`;
  return code && `${service} cannot be reached (${code}): check the URL, and that it runs`;
}

function answerError(response: Response): string {
  const { status, headers, url } = response;
  const location = headers.get("location") ?? "";
  if (status >= 300 && status < 400 && location !== "" && URL.canParse(location, url || undefined)) {
    const target = displayUrl(new URL(location, url || undefined)).replace(/\/trpc\/.*$/, "");
    return `answers with a redirect (${status}) to ${target}: give the URL that is right as --url`;
  }
  if (status === 404 || status === 405)
    return `answers ${status}, and is no Mintmark there: check the path, which is all that stands before /trpc`;
  if (status === 401 || status === 403 || status === 407)
    return `answers ${status} as no Mintmark does: what stands before it, such as a proxy, lets nobody in`;
  if (status === 503)
    return "answers 503: it is starting or stopping, or its proxy cannot reach it: try again in a moment";
  if (status >= 500) return `answers ${status} as no Mintmark does: check that it runs behind its proxy`;
  const type = /^[\w/+.-]+/.exec(headers.get("content-type") ?? "")?.[0] ?? "nothing that is named";
  return `answers ${status} with ${type}, which no Mintmark does: check the URL`;
}

/** Scheme, host, port and path, and nothing that may be secret. */
function displayUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`.replace(/\/+$/, "");
}

function responseOf(error: unknown): Response | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  const response = error.cause instanceof ForeignAnswerError ? error.cause.response : error.meta?.response;
  return response instanceof Response ? response : undefined;
}

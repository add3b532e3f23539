import { TRPCClientError } from "@trpc/client";
import { ForeignAnswerError } from "../client/client.ts";
import { StartError } from "../errors.ts";
import { connectionRemedies } from "../store/connection-remedies.ts";
import { failureCode } from "../store/failure-code.ts";
import { validateServiceUrl } from "../token/http-url.ts";

const CONNECTION = connectionRemedies({
  host: "the host",
  address: "the host and the port",
  server: "the service",
  trust: "set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority",
  tls: "check the port, and whether the URL must begin with http://",
});
const NOT_HTTP = "the server does not speak HTTP: check the port";

/** Adds the codes of fetch (undici) and of the HTTP parser. */
const REMEDIES: Readonly<Record<string, string | undefined>> = {
  ...CONNECTION,
  UND_ERR_SOCKET: CONNECTION.ECONNRESET,
  UND_ERR_CONNECT_TIMEOUT: CONNECTION.ETIMEDOUT,
  UND_ERR_HEADERS_TIMEOUT: CONNECTION.ETIMEDOUT,
  UND_ERR_BODY_TIMEOUT: CONNECTION.ETIMEDOUT,
  UND_ERR_HEADERS_OVERFLOW: NOT_HTTP,
  HPE: NOT_HTTP,
};

/** Throws a {@link StartError} for a URL that no service has. Never quotes the URL: it may contain a password. */
export function checkServiceUrl(url: string): void {
  const must = "must be the http or https URL of a service, such as https://tokens.example";
  if (!URL.canParse(url)) throw new StartError(`--url ${must}`);
  const { protocol, username, password, search, hash } = new URL(url);
  if (`${username}${password}` !== "")
    throw new StartError("--url must have no password in it: set MINTMARK_CLIENT_ID and MINTMARK_CLIENT_SECRET");
  if (!/^https?:$/.test(protocol)) throw new StartError(`--url ${must}`);
  if (`${search}${hash}` !== "") throw new StartError("--url must have no query and no fragment");
  const fault = validateServiceUrl(url);
  if (fault !== undefined) throw new StartError(`--url ${fault}`);
}

/** Explains in one sentence why there is no response of a Mintmark service. Undefined where the cause is unknown. */
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
    return `answers with a redirect (${status}) to ${target}: give the correct URL as --url`;
  }
  if (status === 404 || status === 405)
    return `answers ${status}, so it is not Mintmark: check the path, which is everything before /trpc`;
  if (status === 401 || status === 403 || status === 407)
    return `answers ${status}, but not from Mintmark: a proxy in front of it denies access`;
  if (status === 503) return "answers 503: it is starting or stopping, or its proxy cannot reach it: retry shortly";
  if (status >= 500) return `answers ${status}, but not from Mintmark: check that it runs behind its proxy`;
  const type = /^[\w/+.-]+/.exec(headers.get("content-type") ?? "")?.[0] ?? "no content type";
  return `answers ${status} with ${type}, so it is not Mintmark: check the URL`;
}

/** Scheme, host, port and path: the parts that contain no secret. */
function displayUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`.replace(/\/+$/, "");
}

function responseOf(error: unknown): Response | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  const response = error.cause instanceof ForeignAnswerError ? error.cause.response : error.meta?.response;
  return response instanceof Response ? response : undefined;
}

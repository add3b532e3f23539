import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { admitAnyOrigin } from "./request/origin.ts";
import { sendText } from "./respond.ts";

/** A request target (RFC 9112 §3.2), parsed once. */
export type Target = {
  /** Percent-encoded as received, relative to the base path. */
  path: string;
  /** Without the question mark; empty where there is none. */
  query: string;
  /** The host of a target in absolute form. It replaces the Host header. */
  authority?: string;
};

export type Handle = (request: IncomingMessage, response: ServerResponse, target: Target) => void;

/** A row of the route table. GET also answers HEAD. Rows of one path have one access. Default for OPTIONS: 204 with `Allow`. */
export type Row = {
  methods: readonly ("GET" | "POST" | "OPTIONS")[];
  path: string;
  handle: Handle;
  /** Pages of every origin may read it. Default false. */
  anyOrigin?: boolean;
  /** Served without a `Host` header even where access is open: HTTP/1.0 health checks send none. Browsers always do, so DNS rebinding gains nothing. Default false. */
  withoutHost?: boolean;
};

/** What the metrics and the log name a request by, and what answers it. */
export type Route = {
  /** From a closed list: an unknown path has no name of its own. */
  name: string;
  handle: Handle;
  /** Whether it sets the headers of every answer itself. */
  setsHeaders: boolean;
  /** Number of answers by the first digit of the status; at 0, requests whose client left before. */
  answers: number[];
};

/** A procedure and its path in the router. */
export type NamedProcedure = { path: string; procedure: AnyTRPCProcedure };

export type RoutesOptions = {
  rows: readonly Row[];
  router: AnyTRPCRouter;
  /** Where the procedures are, with a slash at both ends. */
  trpcPath: string;
  /** Makes the handler of one procedure, or of batches and unknown names. */
  serveCall: (call?: NamedProcedure) => Handle;
  isAllowedHost: HostCheck;
  /** The path of the issuer, below which everything is served too; see {@link basePathOf}. */
  basePath: string;
};

type HostCheck = (request: IncomingMessage, authority?: string) => boolean;

export type Routes = {
  /** Parses the target of a request; without one where it is malformed. */
  find(url: string): { route: Route; target?: Target | undefined };
  all(): readonly Route[];
};

/** The route table: one route a path, one a procedure, one for all other calls, one for the rest. */
export function createRoutes(options: RoutesOptions): Routes {
  const { rows, router, trpcPath, serveCall, isAllowedHost, basePath } = options;
  const byPath = new Map<string, Route>();
  const add = (name: string, handle: Handle) => byPath.set(name, createRoute(name, handle));
  for (const { path } of rows)
    if (!byPath.has(path))
      add(
        path,
        handlePath(
          rows.filter((row) => row.path === path),
          isAllowedHost,
        ),
      );
  for (const [path, procedure] of Object.entries(router._def.procedures as Record<string, AnyTRPCProcedure>))
    byPath.set(trpcPath + path, createRoute(trpcPath + path, serveCall({ path, procedure }), true));
  const otherCalls = createRoute(trpcPath, serveCall(), true);
  const unknown = createRoute("unknown", handleUnknown(isAllowedHost));
  const routes = [...byPath.values(), otherCalls, unknown];
  const at = (path: string) => byPath.get(path) ?? (path.startsWith(trpcPath) ? otherCalls : unknown);
  const parse = createTargetParser({ basePath, isServed: (path) => at(path) !== unknown });
  return {
    find(url) {
      const target = parse(url);
      return { route: target === undefined ? unknown : at(target.path), target };
    },
    all: () => routes,
  };
}

function createRoute(name: string, handle: Handle, setsHeaders = false): Route {
  return { name, handle, setsHeaders, answers: [0, 0, 0, 0, 0, 0] };
}

/** Answers the methods of a path: OPTIONS by what is allowed, others by 405. */
function handlePath(rows: readonly Row[], isAllowedHost: HostCheck): Handle {
  const handles = new Map<string | undefined, Handle>();
  for (const { methods, handle } of rows)
    for (const method of methods)
      for (const one of method === "GET" ? ["GET", "HEAD"] : [method]) handles.set(one, handle);
  const allow = [...new Set([...handles.keys(), "OPTIONS"])].join(", ");
  const { anyOrigin = false, withoutHost = false } = rows[0] ?? {};
  return (request, response, target) => {
    const isHostMissing = !request.headers.host && target.authority === undefined;
    if (!isAllowedHost(request, target.authority) && !(withoutHost && isHostMissing))
      return sendForbiddenHost(response);
    if (anyOrigin) admitAnyOrigin(request, response);
    const handle = handles.get(request.method);
    if (handle !== undefined) handle(request, response, target);
    else sendAllowed(request, response, allow);
  };
}

function handleUnknown(isAllowedHost: HostCheck): Handle {
  return (request, response, target) => {
    if (!isAllowedHost(request, target.authority)) sendForbiddenHost(response);
    // The server as a whole (RFC 9110 §9.3.7).
    else if (target.path === "*" && request.method === "OPTIONS")
      sendAllowed(request, response, "GET, HEAD, POST, OPTIONS");
    else sendText(response, 404, "Not found: see / for what is here");
  };
}

function sendForbiddenHost(response: ServerResponse): void {
  const text =
    "Access is open, so only this machine may call, by a loopback name: set MINTMARK_ACCESS=clients to serve others";
  sendText(response, 403, text);
}

function sendAllowed(request: IncomingMessage, response: ServerResponse, allow: string): void {
  response.setHeader("allow", allow);
  if (request.method === "OPTIONS") response.writeHead(204).end();
  else sendText(response, 405, "Method not allowed");
}

/** An absolute URL (RFC 9112 §3.2.2). With userinfo it is no http URL (RFC 9110 §4.2.4). */
const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)([/?].*)?$/i;

/**
 * Makes the parser of request targets: `undefined` for a malformed one. Compares paths as received: an encoded, a doubled or
 * a trailing slash makes another path.
 */
export function createTargetParser({
  basePath,
  isServed,
}: {
  basePath: string;
  isServed: (path: string) => boolean;
}): (url: string) => Target | undefined {
  return (url) => {
    const target = url.startsWith("/") || url === "*" ? splitTarget(url) : splitAbsolute(url);
    if (target === undefined || basePath === "" || !target.path.startsWith(`${basePath}/`)) return target;
    const path = target.path.slice(basePath.length);
    return isServed(path) ? { ...target, path } : target;
  };
}

/** A target in origin form. */
export function urlOf({ path, query }: Target): string {
  return query === "" ? path : `${path}?${query}`;
}

/** The path of the issuer's URL without a trailing slash: empty for most. */
export function basePathOf(issuer: string): string {
  try {
    return new URL(issuer).pathname.replace(/\/+$/, "");
  } catch {
    return "";
  }
}

export function splitTarget(url: string): Target {
  const mark = url.indexOf("?");
  return mark < 0 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

function splitAbsolute(url: string): Target | undefined {
  const [, authority, rest = ""] = ABSOLUTE.exec(url) ?? [];
  return authority === undefined ? undefined : { ...splitTarget(rest.startsWith("/") ? rest : `/${rest}`), authority };
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type DocumentServer, serveDocuments } from "./document-server.ts";
import { authorizationRequest, codeFor, openBrowser, VERIFIER } from "./people.ts";
import { type OpenOptions, openService } from "./service.ts";

/** An open resource with scopes, as an MCP server is. */
export const MCP = "https://mcp.example/mcp";
const RESOURCE = { audience: MCP, name: "Notes", scopes: { "tools:read": "Read your notes" }, open: true };

export const APP_CALLBACK = "https://app.example/callback";
const CALLER = "192.0.2.1";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Document = Record<string, unknown>;

/** A server with the document of one client. */
export type ServedDocument = DocumentServer & {
  clientId: string;
  /** Changes what it answers: members of the document, its headers, or the whole answer. */
  change(members: Document, headers?: Record<string, string>): void;
  answer(answer: Answer): void;
  fetches: () => number;
};

/** Serves a valid document, which is fresh for a minute. */
export async function serveClientDocument(members: Document = {}): Promise<ServedDocument> {
  let fetches = 0;
  let answer: Answer = () => {};
  const server = await serveDocuments((request, response) => {
    fetches += 1;
    answer(request, response);
  });
  const clientId = `http://127.0.0.1:${server.port}/client.json`;
  const document: Document = { client_id: clientId, client_name: "Notes app", redirect_uris: [APP_CALLBACK] };
  const change: ServedDocument["change"] = (changed, headers = { "cache-control": "max-age=60" }) => {
    Object.assign(document, changed);
    answer = answerJson(() => document, headers);
  };
  change(members);
  return {
    ...server,
    clientId,
    change,
    fetches: () => fetches,
    answer(other) {
      answer = other;
    },
  };
}

export function answerJson(value: () => object, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value()));
  };
}

export function answerStatus(status: number, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end("{}");
  };
}

/** A service with an open resource, and a browser. */
export async function openWithResource(options: OpenOptions = {}) {
  const opened = await openService(options);
  await opened.service.resources.create(localCaller, RESOURCE);
  return { ...opened, browser: openBrowser(opened.service) };
}

/** The authorization request of a client for the open resource. */
export function requestFor(clientId: string, more: Record<string, string | undefined> = {}, resources = [MCP]) {
  return authorizationRequest(clientId, { redirect_uri: APP_CALLBACK, scope: "tools:read", ...more }, resources);
}

type Opened = { service: TokenService; browser: ReturnType<typeof openBrowser> };

export const asPublic = (service: TokenService, clientId: string, address: string | undefined = CALLER) =>
  service.authenticate({ method: "none", clientId }, address);

/** Signs a person in at a client that introduced itself, and exchanges the code. */
export async function tokensFor({ service, browser }: Opened, clientId: string) {
  const code = await codeFor(browser, requestFor(clientId));
  const caller = await asPublic(service, clientId);
  return service.exchangeCode(caller, { code, redirectUri: APP_CALLBACK, verifier: VERIFIER });
}

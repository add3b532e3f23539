/** The official clients, 2.x and 1.x, with a memory. */

import type { OAuthDiscoveryState } from "@modelcontextprotocol/client";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { UnauthorizedError as OldUnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Identity, Kept, OfficialClient, Programs, Tokens } from "../support/mcp-programs.ts";

const NAME = { name: "assistant", version: "1.0.0" };

/** What a client keeps, and what it says of itself. */
function createProvider({ issuer, clientId, clientMetadataUrl, redirectUri }: Identity) {
  const kept: Kept & { discovered?: OAuthDiscoveryState } = {
    ...(clientId !== undefined && { client: { client_id: clientId, ...(issuer !== undefined && { issuer }) } }),
  };
  const provider = {
    redirectUrl: redirectUri,
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    clientMetadata: {
      client_name: "Assistant",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    clientInformation: () => kept.client,
    saveClientInformation: (client: { client_id: string }) => {
      kept.client = client;
    },
    tokens: () => kept.tokens,
    saveTokens: (tokens: Tokens) => {
      kept.tokens = tokens;
    },
    redirectToAuthorization: (url: URL) => {
      kept.sentTo = url;
    },
    saveCodeVerifier: (verifier: string) => {
      kept.verifier = verifier;
    },
    codeVerifier: () => kept.verifier ?? "",
    saveDiscoveryState: (state: OAuthDiscoveryState) => {
      kept.discovered = state;
    },
    discoveryState: () => kept.discovered,
    invalidateCredentials: (what: string) => {
      if (what === "all" || what === "tokens") delete kept.tokens;
      if (what === "all" || what === "client") delete kept.client;
    },
  };
  return { kept, provider };
}

type Called = { content?: unknown };

/** The content, or `undefined` where the person has to act. */
const contentOf = (result: Promise<unknown>): Promise<string | undefined> =>
  result.then(
    (called) => JSON.stringify((called as Called).content),
    (error) => {
      if (error instanceof UnauthorizedError || error instanceof OldUnauthorizedError) return undefined;
      throw error;
    },
  );

function open(resource: string, identity: Identity): OfficialClient {
  const { kept, provider } = createProvider(identity);
  const client = new Client(NAME);
  const transport = () => new StreamableHTTPClientTransport(new URL(resource), { authProvider: provider });
  let latest = transport();
  async function call(name: string): Promise<unknown> {
    if (client.transport === undefined) {
      latest = transport();
      await client.connect(latest);
    }
    return client.callTool({ name });
  }
  return {
    kept,
    call: (tool) => contentOf(call(tool)),
    finish: (callback) => latest.finishAuth(callback.searchParams),
    close: () => client.close(),
  };
}

function openOld(resource: string, identity: Identity): OfficialClient {
  const { kept, provider } = createProvider(identity);
  const client = new OldClient(NAME);
  const transport = () => new OldTransport(new URL(resource), { authProvider: provider });
  let latest = transport();
  async function call(name: string): Promise<unknown> {
    if (client.transport === undefined) {
      latest = transport();
      await client.connect(latest as Parameters<typeof client.connect>[0]);
    }
    return client.callTool({ name });
  }
  return {
    kept,
    call: (tool) => contentOf(call(tool)),
    finish: (callback) => latest.finishAuth(callback.searchParams.get("code") ?? ""),
    close: () => client.close(),
  };
}

export const clients: Programs["clients"] = { "2.x": open, "1.x": openOld };

/** The official clients, 2.x and 1.x, with a memory and a person who signs in when they are sent to the issuer. */
import {
  Client,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { UnauthorizedError as OldUnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

type Tokens = { access_token: string; token_type: string; refresh_token?: string; scope?: string };

export type Identity = {
  /** The issuer that a client was added at: it is used at no other. */
  issuer?: string;
  /** A client that an administrator has added. */
  clientId?: string;
  /** The URL of a Client ID Metadata Document. */
  clientMetadataUrl?: string;
  redirectUri: string;
  scope?: string;
};

type Kept = {
  tokens?: Tokens;
  verifier?: string;
  sentTo?: URL;
  client?: { client_id: string; issuer?: string };
  discovered?: OAuthDiscoveryState;
};

/** What a client keeps, and where it sends the person. */
export function createMemory({ issuer, clientId, clientMetadataUrl, redirectUri, scope }: Identity) {
  const kept: Kept = {
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
      ...(scope !== undefined && { scope }),
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

export type Provider = ReturnType<typeof createMemory>["provider"];

export type Connected = {
  call(tool: string): Promise<string>;
  /** Redeems the code of the URL that the browser was sent to. */
  finish(callback: URL): Promise<void>;
  close(): Promise<void>;
};

type Result = { content?: unknown };
const textIn = ({ content }: Result) => JSON.stringify(content);

/** The clients, by name. `connect` rejects with an error of `isUnauthorized` where the person has to act. */
export const clients: Record<string, (resource: string, provider: Provider) => Promise<Connected>> = {
  async "2.x"(resource, provider) {
    const open = () => new StreamableHTTPClientTransport(new URL(resource), { authProvider: provider });
    const client = new Client({ name: "assistant", version: "1.0.0" });
    let transport = open();
    return {
      async call(tool) {
        if (client.transport === undefined) {
          transport = open();
          await client.connect(transport);
        }
        return textIn(await client.callTool({ name: tool }));
      },
      finish: (callback) => transport.finishAuth(callback.searchParams),
      close: () => client.close(),
    };
  },
  async "1.x"(resource, provider) {
    const open = () => new OldTransport(new URL(resource), { authProvider: provider });
    const client = new OldClient({ name: "assistant", version: "1.0.0" });
    let transport = open();
    return {
      async call(tool) {
        if (client.transport === undefined) {
          transport = open();
          await client.connect(transport as Parameters<typeof client.connect>[0]);
        }
        return textIn((await client.callTool({ name: tool })) as Result);
      },
      finish: (callback) => transport.finishAuth(callback.searchParams.get("code") ?? ""),
      close: () => client.close(),
    };
  },
};

export const isUnauthorized = (error: unknown): boolean =>
  error instanceof UnauthorizedError || error instanceof OldUnauthorizedError;

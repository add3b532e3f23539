/** The programs that import the MCP SDK, by types that do not: the project compiles where it is not installed. */
import type { RequestListener } from "node:http";
import { join } from "node:path";
import type { ProtectedResource, Verifier } from "../../src/verifier/verifier.ts";

export type ProtectedServer = {
  /** The status while the verifier is stale. */
  stale: number;
  open(given: { verifier: Verifier; protectedResource: ProtectedResource }): RequestListener;
};

export type Tokens = { access_token: string; token_type: string; refresh_token?: string; scope?: string };

/** What a client keeps. */
export type Kept = {
  tokens?: Tokens;
  verifier?: string;
  /** Where it sent the person. */
  sentTo?: URL;
  client?: { client_id: string; issuer?: string };
};

export type Identity = {
  /** The issuer that a client was added at: it is used at no other. */
  issuer?: string;
  /** A client that an administrator has added. */
  clientId?: string;
  /** The URL of a Client ID Metadata Document. */
  clientMetadataUrl?: string;
  redirectUri: string;
};

export type OfficialClient = {
  kept: Kept;
  /** Calls a tool, and connects before if need be. Returns its content, or `undefined` where the person has to act. */
  call(tool: string): Promise<string | undefined>;
  /** Redeems the code of the URL that the browser was sent to. */
  finish(callback: URL): Promise<void>;
  close(): Promise<void>;
};

export type Programs = {
  servers: Record<string, ProtectedServer>;
  clients: Record<string, (resource: string, identity: Identity) => OfficialClient>;
};

const load = (name: string) => import(/* @vite-ignore */ join(import.meta.dirname, "../mcp", name));

export async function loadPrograms(): Promise<Programs> {
  const [{ servers }, { clients }] = await Promise.all([load("servers.ts"), load("clients.ts")]);
  return { servers, clients };
}

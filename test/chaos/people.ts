import { createHash } from "node:crypto";
import { answerIn, type ChaosBrowser, VERIFIER } from "./browser.ts";
import type { Code } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";
import { clientOf, newName } from "./scenario.ts";

const REDIRECT_URI = "https://shop.example/callback";
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

/** Clients at which people sign in: `first` needs no consent. No operation ends them. */
export type WebClients = Record<"first" | "third", { clientId: string; clientSecret: string }>;

/** Adds them before the first fault. */
export async function addWebClients(scenario: Pick<Scenario, "random" | "origins">): Promise<WebClients> {
  const { clients } = clientOf(scenario);
  const fields = { permissions: [], scopes: ["a"], redirectUris: [REDIRECT_URI] };
  const first = await clients.create.mutate({ ...fields, name: newName("first"), firstParty: true });
  const third = await clients.create.mutate({ ...fields, name: newName("third") });
  return { first, third };
}

/** The path of an authorization request. */
export function authorizePath(clientId: string, more: Record<string, string> = {}): string {
  const query = {
    ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: "code", scope: "openid a offline_access" },
    ...{ code_challenge: CHALLENGE, code_challenge_method: "S256", ...more },
  };
  return `/oauth/authorize?${new URLSearchParams(query)}`;
}

/** Whether a browser gets a code without a question: its session lives, and the person has agreed. */
export async function needsNoConsent(browser: ChaosBrowser, clientId: string, signal: AbortSignal): Promise<boolean> {
  const visited = await browser.visit(authorizePath(clientId, { prompt: "none" }), { signal });
  return answerIn(visited, "code") !== undefined;
}

/** The form of the token request for a code. */
export function exchangeOf({ code }: Pick<Code, "code">) {
  return { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
}

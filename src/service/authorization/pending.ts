import type { AuthorizationRequest } from "../../store/authorization.ts";
import type { Client, FoundClient } from "../../store/client.ts";
import type { Resource } from "../../store/resource.ts";
import type { Store } from "../../store/store.ts";
import type { Seconds } from "../../time.ts";
import type { Audience } from "../../token/claims.ts";
import { grantViolation } from "../access/caller.ts";
import type { ClientDocuments } from "../clients/client-documents.ts";
import { policyViolation } from "../clients/client-policy.ts";
import { isRedirectUriOf } from "../clients/redirect-uri.ts";
import { openTargetViolation, resourceScopeViolation, targetAudiences, targetViolation } from "../resources/target.ts";
import { hasScope, OFFLINE_ACCESS, resourceScope } from "./openid.ts";
import { type AuthorizationError, type RequestedAuthorization, readParameters, responseModeOf } from "./parameters.ts";
import type { AuthorizationParameters, RefusedReason } from "./step.ts";

/** A valid request of a client. It is stored only where the person has to be asked. */
export type PendingRequest = Omit<AuthorizationRequest, "handle" | "browser" | "expiresAt" | "person">;

/** Where the client receives the answer: proven to be its own. */
export type Receiver = Pick<
  Extract<PendingRequest["target"], { kind: "redirect" }>,
  "redirectUri" | "responseMode" | "state"
>;

type ReadRequest =
  | { outcome: "refused"; reason: RefusedReason }
  | { outcome: "error"; receiver: Receiver; error: AuthorizationError }
  | { outcome: "valid"; client: FoundClient; request: PendingRequest };

/** How long a person can take to sign in and to decide. */
export const REQUEST_LIFETIME: Seconds = 600;

export type RequestReaderOptions = {
  store: Pick<Store, "findResources">;
  documents: ClientDocuments;
  defaultAudience: () => string;
};

/** What a client asks for: scope and resources. */
type Asked = { scope: string | undefined; resources: readonly string[] };

export type RequestReader = {
  /** Reads an authorization request. Only after client and redirect URI are proven may an error go to the client (P1). */
  read(form: AuthorizationParameters, received: { now: Seconds; address: string | undefined }): Promise<ReadRequest>;
  /** The audience of what a client asks for, or why it may not have it. Also for requests without a redirect URI. */
  target(client: Client, asked: Asked): Promise<{ audience: Audience } | AuthorizationError>;
};

/** Makes the reader of authorization requests. */
export function createRequestReader({ store, documents, defaultAudience }: RequestReaderOptions): RequestReader {
  async function target(client: Client, { scope, resources }: Asked) {
    const audiences = resources.length > 0 ? targetAudiences(resources) : [defaultAudience()];
    const registered = await store.findResources(audiences);
    const ofResources = resourceScope(scope);
    const error =
      targetError(client, { audiences, registered }, defaultAudience()) ??
      scopeError(client, ofResources, { audiences, registered });
    const [first = "", ...others] = audiences;
    return error ?? { audience: others.length === 0 ? first : audiences };
  }

  return {
    target,
    async read(form, { now, address }) {
      const { parameters } = form;
      const client = await documents.find(parameters.get("client_id"), { address, introduces: true });
      if (client === undefined || grantViolation(client, "authorization_code") !== undefined)
        return { outcome: "refused", reason: "unknown_client" };
      const redirectUri = parameters.get("redirect_uri") ?? "";
      if (!isRedirectUriOf(client, redirectUri)) return { outcome: "refused", reason: "unknown_redirect_uri" };
      const state = parameters.get("state");
      const receiver = { redirectUri, responseMode: responseModeOf(parameters), state };
      const asked = readParameters(form);
      if ("error" in asked) return { outcome: "error", receiver, error: asked };
      const scope = scopeOf(client, asked.scope);
      const found = await target(client, { scope, resources: form.resources });
      if ("error" in found) return { outcome: "error", receiver, error: found };
      const { clientId } = client;
      const request = { clientId, ...found, ...requestOf({ ...asked, scope }, receiver), startedAt: now };
      return { outcome: "valid", client, request };
    },
  };
}

/**
 * The requested scope. Of a client that introduced itself with the grant `refresh_token`, also `offline_access`: many expect a
 * refresh token without asking for it, and the person must know (RFC 6749 §3.3).
 */
function scopeOf({ introduced, grants }: Client, scope: string | undefined): string | undefined {
  if (introduced === undefined || !grants.includes("refresh_token") || hasScope(scope, OFFLINE_ACCESS)) return scope;
  return scope === undefined ? OFFLINE_ACCESS : `${scope} ${OFFLINE_ACCESS}`;
}

function requestOf(
  { challenge, nonce, scope, prompt, maxAge, loginHint }: RequestedAuthorization,
  receiver: Receiver,
): Pick<PendingRequest, "target" | "scope" | "prompt" | "maxAge" | "loginHint"> {
  const target = { kind: "redirect", ...receiver, challenge, nonce } as const;
  return { target, scope, prompt, maxAge, loginHint };
}

type Target = { audiences: readonly string[]; registered: readonly Resource[] };

/** A client that introduced itself may request an open resource and nothing else. Others need the audience in their rights. */
function targetError(
  client: Client,
  { audiences, registered }: Target,
  defaultAudience: string,
): AuthorizationError | undefined {
  const known = [...registered.map((one) => one.audience), defaultAudience, ...client.audiences];
  const violation =
    client.introduced === undefined
      ? (targetViolation(audiences, known) ?? policyViolation(client, { audience: audiences }, defaultAudience))
      : openTargetViolation(audiences, registered);
  if (violation === undefined) return undefined;
  return { error: "invalid_target", description: "The resource is unknown, or this client may not request it." };
}

function scopeError(client: Client, scope: string | undefined, target: Target): AuthorizationError | undefined {
  const violation = resourceScopeViolation(scope, target) ?? policyViolation(client, { scope }, "");
  if (violation === undefined) return undefined;
  return { error: "invalid_scope", description: `The scope ${violation.message}.` };
}

import type { AuditRecord } from "../../store/audit.ts";
import type { AuthorizationRequest } from "../../store/authorization.ts";
import type { Client, FoundClient } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { grantViolation } from "../access/caller.ts";
import { isRedirectUriOf } from "../clients/redirect-uri.ts";
import { addressPrefix } from "../throttle/call-limits.ts";
import { createFixedWindow } from "../throttle/fixed-window.ts";
import { hashOf } from "../tokens/grant.ts";
import { type PendingRequest, REQUEST_LIFETIME } from "./pending.ts";
import { createSecret } from "./secrets.ts";
import type { Browser, Cookies, RefusedReason } from "./step.ts";

/** A request that is stored, as the browser that began it knows it. */
type KeptRequest = { handle: string; key: string };

/** A request on its way: whose, and what for. */
export type Asked = {
  request: PendingRequest;
  client: FoundClient;
  /** Absent where nothing had to be asked so far. */
  kept?: KeptRequest | undefined;
  /** What an application in another process said of the person. */
  person?: AuthorizationRequest["person"];
};

export type Requests = {
  /** Stores a request, unless it is stored. `retryAfter`: too many come from this address. */
  keep(asked: Asked, browser: Browser): Promise<{ kept: KeptRequest; cookies?: Cookies } | { retryAfter: Seconds }>;
  /** Stores a request of a browser that may have withheld its cookies: it belongs to none yet. */
  hold(asked: Asked, browser: Browser): Promise<{ handle: string } | { retryAfter: Seconds }>;
  /**
   * Takes a held request, for the first browser that comes: as with a link to the authorization endpoint, that is the one
   * that begins. `undefined` for any other handle.
   */
  takeHeld(handle: string): Promise<PendingRequest | undefined>;
  /** A request and its client with its current rights. */
  ofClient(request: PendingRequest): Promise<Asked | "unknown_client">;
  /** The request of a handle, for the browser that began it (P13), and the client with its current rights. */
  load(handle: string, browser: Browser): Promise<Asked | RefusedReason>;
  /** Takes what an application said of the person. One of several calls at the same time returns true. */
  takePerson(kept: KeptRequest): Promise<boolean>;
  /** Forgets a request that was answered. One of several calls at the same time returns true. */
  forget(kept: KeptRequest, record?: AuditRecord): Promise<boolean>;
};

export type RequestsOptions = {
  store: Pick<
    Store,
    "findClient" | "addAuthorizationRequest" | "findAuthorizationRequest" | "takePerson" | "removeAuthorizationRequest"
  >;
  clock: Clock;
  /** Most requests stored for one address within a minute; 0 is unlimited. */
  perAddress: number;
};

/** In place of the hash of a cookie. */
const NO_BROWSER = "";

/** The text of {@link createSecret}. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** The stored authorization requests. Strangers cause them, so an address has a limit, and they end by themselves. */
export function createRequests({ store, clock, perAddress }: RequestsOptions): Requests {
  const limit = perAddress === 0 ? undefined : createFixedWindow(perAddress, clock);

  const retryAfterFor = ({ address }: Browser) =>
    address === undefined ? 0 : (limit?.take(addressPrefix(address)) ?? 0);

  async function add(request: PendingRequest, { handle, browser }: { handle: string; browser: string }): Promise<void> {
    const latest = clock() + REQUEST_LIFETIME;
    const { target } = request;
    const expiresAt = target.kind === "device" ? Math.min(latest, target.expiresAt) : latest;
    await store.addAuthorizationRequest({ ...request, handle: hashOf(handle), browser, expiresAt });
  }

  async function ofClient(request: PendingRequest): Promise<Asked | "unknown_client"> {
    const client = await store.findClient(request.clientId);
    return client === undefined || !mayAsk(client, request) ? "unknown_client" : { request, client };
  }

  return {
    ofClient,

    async keep({ request, kept }, browser) {
      if (kept !== undefined) return { kept };
      const retryAfter = retryAfterFor(browser);
      if (retryAfter > 0) return { retryAfter };
      const { key: known = "", session } = browser;
      const isKnown = SECRET.test(known);
      const [handle, key] = [createSecret(), isKnown ? known : createSecret()];
      const prompt = { ...request.prompt, ...(session !== undefined && { before: hashOf(session) }) };
      await add({ ...request, prompt }, { handle, browser: hashOf(key) });
      return { kept: { handle, key }, ...(!isKnown && { cookies: { key: { value: key } } }) };
    },

    async hold({ request }, browser) {
      const retryAfter = retryAfterFor(browser);
      if (retryAfter > 0) return { retryAfter };
      const handle = createSecret();
      await add(request, { handle, browser: NO_BROWSER });
      return { handle };
    },

    async takeHeld(handle) {
      const found = await store.findAuthorizationRequest(hashOf(handle));
      if (found === undefined || found.browser !== NO_BROWSER || found.expiresAt <= clock()) return undefined;
      if ((await store.removeAuthorizationRequest(found.handle)) === "unknown") return undefined;
      return pendingOf(found);
    },

    async load(handle, { key = "" }) {
      const found = await store.findAuthorizationRequest(hashOf(handle));
      if (found === undefined || found.expiresAt <= clock()) return "expired";
      if (found.browser !== hashOf(key)) return "other_browser";
      const asked = await ofClient(pendingOf(found));
      return typeof asked === "string" ? asked : { ...asked, kept: { handle, key }, person: found.person };
    },

    takePerson: async ({ handle }) => (await store.takePerson(hashOf(handle))) === "taken",

    forget: async ({ handle }, record) =>
      (await store.removeAuthorizationRequest(hashOf(handle), record)) === "removed",
  };
}

function pendingOf({
  handle: _,
  browser: __,
  expiresAt: ___,
  person: ____,
  ...request
}: AuthorizationRequest): PendingRequest {
  return request;
}

/** Whether the client may still receive the answer: it may have lost the grant type or the redirect URI meanwhile. */
function mayAsk(client: Client, { target }: PendingRequest): boolean {
  // A device request is checked when the device collects its tokens.
  if (target.kind === "device") return true;
  return isRedirectUriOf(client, target.redirectUri) && grantViolation(client, "authorization_code") === undefined;
}

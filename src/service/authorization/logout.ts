import type { Client } from "../../store/client.ts";
import type { SignIn } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import { verifyIdTokenHint } from "../../token/id-token-hint.ts";
import { findPresentedClient } from "../clients/find-presented-client.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Settings } from "../settings.ts";
import { hashOf } from "../tokens/grant.ts";
import { formToken, isFormToken } from "./secrets.ts";
import type { AskingClient, Browser, Cookies } from "./step.ts";

/** What comes next in a logout. */
export type LogoutStep = (
  | LogOutStep
  /** There is no session any more, or there was none. */
  | { step: "signed_out" }
  /** The same, and the client has the browser back. */
  | { step: "redirect"; redirectUri: string }
) & { cookies?: Cookies | undefined };

/** The person has to confirm that they want to sign out. */
type LogOutStep = {
  step: "log_out";
  /** For the fields of the form: the token and these parameters. */
  token: string;
  parameters: Record<string, string>;
  /** The client that asks, if it is known. */
  client?: AskingClient | undefined;
};

type LogoutRequest = {
  /** As sent: `id_token_hint`, `client_id`, `post_logout_redirect_uri` and `state`. All others are ignored. */
  parameters: ReadonlyMap<string, string>;
  /** The token of the confirmation form. */
  token?: string | undefined;
};

/**
 * Signs the browser out (OIDC RP-Initiated Logout 1.0): ends its sign-in session and revokes all tokens that came by it. At
 * once with an `id_token_hint` of that session, expired or not; else the person confirms it on a page, since any site can
 * send a browser here (P38). The browser goes on to `post_logout_redirect_uri` if that is registered for the client, compared
 * as a string; the client is that of the hint, or `client_id`. An invalid hint is as none, and names no client. To the URI of
 * a client that introduced itself, only with a hint or after the confirmation: anybody can introduce one.
 */
export type Logout = (request: LogoutRequest, browser: Browser) => Promise<LogoutStep>;

export type LogoutOptions = {
  store: Pick<Store, "findSignIn" | "findClient">;
  settings: Pick<Settings, "issuer">;
  keys: Pick<LoadedKeys, "findUnexpired">;
  /** Ends a session, as a person does by way of a client. */
  end: (signIn: SignIn, clientId: string | undefined) => Promise<unknown>;
};

/** Who asks, and of which session it has an `id_token`. */
type Asking = { clientId?: string | undefined; sid?: string | undefined };

/** Where the browser goes afterwards. `redirectUri` is registered for the client. */
type Destination = { client?: Client | undefined; redirectUri?: string | undefined; state?: string | undefined };

export function createLogout({ store, settings, keys, end }: LogoutOptions): Logout {
  async function askingIn(parameters: LogoutRequest["parameters"]): Promise<Asking> {
    const clientId = parameters.get("client_id");
    const token = parameters.get("id_token_hint");
    if (token === undefined) return { clientId };
    const hint = await verifyIdTokenHint(token, keys.findUnexpired, settings.issuer());
    return hint === undefined || (clientId ?? hint.clientId) !== hint.clientId ? {} : hint;
  }

  async function destinationOf(parameters: LogoutRequest["parameters"], { clientId }: Asking): Promise<Destination> {
    const client = await findPresentedClient(store, clientId);
    const redirectUri = parameters.get("post_logout_redirect_uri") ?? "";
    const isRegistered = client?.postLogoutRedirectUris?.includes(redirectUri) ?? false;
    return isRegistered ? { client, redirectUri, state: parameters.get("state") } : { client };
  }

  return async ({ parameters, token = "" }, { session }) => {
    const asking = await askingIn(parameters);
    const destination = await destinationOf(parameters, asking);
    const purpose = purposeOf(destination);
    const isConfirmed = session !== undefined && isFormToken(session, purpose, token);
    const { client } = destination;
    const mayLeave = client?.introduced === undefined || asking.sid !== undefined || isConfirmed;
    const left = leave(mayLeave ? destination : {});
    if (session === undefined) return left;
    // Also an expired session: some of its tokens may live longer.
    const signIn = await store.findSignIn(hashOf(session));
    if (signIn !== undefined) {
      const isOfSession = client !== undefined && asking.sid === signIn.sid;
      if (!isOfSession && !isConfirmed) return confirm(destination, formToken(session, purpose));
      await end(signIn, client?.clientId);
    }
    return { ...left, cookies: { session: "clear" } };
  };
}

function confirm(destination: Destination, token: string): LogOutStep {
  const { client } = destination;
  const asking = client && { clientId: client.clientId, name: client.name };
  return { step: "log_out", token, parameters: parametersOf(destination), client: asking };
}

/** What the confirmation form sends: so the browser goes where it was asked to, without an `id_token` on the page. */
function parametersOf({ client, redirectUri, state }: Destination): Record<string, string> {
  return {
    ...(client !== undefined && { client_id: client.clientId }),
    ...(redirectUri !== undefined && { post_logout_redirect_uri: redirectUri }),
    ...(state !== undefined && { state }),
  };
}

/** A confirmation is worth nothing for another destination. */
function purposeOf(destination: Destination): string {
  return JSON.stringify(["log out", parametersOf(destination)]);
}

function leave({ redirectUri, state }: Destination): LogoutStep {
  if (redirectUri === undefined) return { step: "signed_out" };
  if (state === undefined) return { step: "redirect", redirectUri };
  const separator = redirectUri.includes("?") ? "&" : "?";
  return { step: "redirect", redirectUri: `${redirectUri}${separator}state=${encodeURIComponent(state)}` };
}

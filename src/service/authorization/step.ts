import type { Introduction } from "../../store/client.ts";
import type { Seconds } from "../../time.ts";

/** Why an authorization request is answered by a page of this server, and never by a redirect. */
export type RefusedReason =
  | "unknown_client"
  | "unknown_redirect_uri"
  | "invalid_request"
  | "expired"
  | "other_browser"
  | "rate_limited";

/** The browser of a request: the values of its two cookies, and its address. */
export type Browser = {
  /** Names the sign-in session. */
  session?: string | undefined;
  /** Names the browser that began an authorization request (P13). */
  key?: string | undefined;
  address?: string | undefined;
};

/** Cookies to set. A session can also be cleared. */
export type Cookies = { session?: { value: string } | "clear" | undefined; key?: { value: string } | undefined };

/** Who the person is. `Custom`: the custom claims of their tokens, as the schema of the service has them. */
export type Person<Custom = Record<string, unknown>> = {
  /** Identifies the person for ever: 1 to 255 characters. Not an e-mail address, which can change its owner. */
  subject: string;
  /** When they proved who they are. Default: now. */
  authTime?: Seconds | undefined;
  claims?: Custom | undefined;
  /** The scope tokens that they may grant, separated by spaces. Default: all. */
  scope?: string | undefined;
  /** Given to relying parties by the scopes `profile`, `email`, `phone` and `address`: standard claims of OIDC Core §5.1. */
  profile?: Profile | undefined;
};

/** Standard claims (OIDC Core §5.1). Other names are dropped. */
export type Profile = { readonly [claim: string]: unknown };

/** The client that asks, for pages and for sign-in hooks. */
export type AskingClient = {
  clientId: string;
  name: string;
  /** How it introduced itself: nobody has checked its name. Absent: an administrator added it. */
  introduced?: Introduction | undefined;
  /** The host of its document, such as `app.example`. */
  origin?: string | undefined;
};

/** What comes next in an authorization. */
export type Step = (
  | { step: "refused"; reason: RefusedReason; retryAfter?: Seconds | undefined }
  /** The answer to the client: `parameters` have `state`, `iss` and either `code` or `error`. */
  | { step: "redirect"; redirectUri: string; responseMode: "query" | "form_post"; parameters: Record<string, string> }
  | SignInStep
  | ConsentStep
  /** The request is kept. What comes next is decided when the browser comes to `url`, with its cookies. */
  | { step: "continue"; url: string }
  | { step: "device_done"; allowed: boolean }
) & { cookies?: Cookies | undefined };

/** The person has to sign in. */
export type SignInStep = {
  step: "sign_in";
  handle: string;
  /** Authenticates forms of our own pages, together with the key cookie. */
  token: string;
  /** Where the browser comes back to. */
  url: string;
  client: AskingClient;
  loginHint?: string | undefined;
  /** The longest time since the person signed in, as of now. It grows with the request: `now - signedInAt <= maxAge` stays right. */
  maxAge?: Seconds | undefined;
  /** Whether the client asked for a new sign-in, by `prompt=login` or `max_age=0`, whatever time it has taken since. */
  login?: true;
  /** Whether the person wants another account, and the client asked for no new sign-in: `maxAge` is not checked. */
  select?: true;
};

/** The person has to agree. */
export type ConsentStep = {
  step: "consent";
  handle: string;
  /** Where the browser gets the page again. */
  url: string;
  token: string;
  subject: string;
  client: AskingClient;
  /** Where the code goes: the host of the redirect URI, the scheme of an application, or `device:`. */
  host: string;
  resources: { audience: string; name: string }[];
  scopes: { name: string; description?: string | undefined }[];
};

/** The parameters of an authorization request, as sent. None is repeated but the resources, and none is empty. */
export type AuthorizationParameters = { parameters: ReadonlyMap<string, string>; resources: readonly string[] };

/** What the authorization endpoint does. Without key pairs, a service has none. */
export type SignIns = {
  /**
   * `withheld`: whether the browser may have withheld its cookies, as `SameSite=Lax` has it for a POST of another site. Then
   * a valid request is held, also one with `prompt=none`, and the next step is `continue`. The first browser that comes has it.
   */
  begin(parameters: AuthorizationParameters, browser: Browser, options: { withheld: boolean }): Promise<Step>;
  resume(handle: string, browser: Browser): Promise<Step>;
  /** The person signed in, in this process. Not checked: who they are. Throws `invalid_request` for a person that is not valid. */
  accept(handle: string, browser: Browser, person: Person): Promise<Step>;
  /** The person does not sign in: the client receives `access_denied`. */
  refuse(handle: string, browser: Browser): Promise<Step>;
  decide(handle: string, browser: Browser, decision: { allow: boolean; token: string }): Promise<Step>;
  /** The person wants another account than that of the consent page whose token this is: they sign in again for this request. */
  switchAccount(handle: string, browser: Browser, token: string): Promise<Step>;
};

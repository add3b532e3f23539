import type { Person, SignInStep } from "../service/authorization/step.ts";
import type { Page } from "./page.ts";

/** What a sign-in method found out. */
export type SignInOutcome =
  | { outcome: "person"; person: Person }
  /** The browser is sent elsewhere, or shown something. Its `Set-Cookie` headers are kept beside those of this server. */
  | { outcome: "response"; response: Response }
  | { outcome: "page"; page: Page }
  /** The person does not want to sign in: the client receives `access_denied`. */
  | { outcome: "refused" }
  /** What the browser brought back proves nothing: a page with status 400. */
  | { outcome: "failed" };

/**
 * A way to find out who the person at a browser is: the hook of the application, an OpenID provider, another application.
 * A rejection is logged without its message, and answered by a page with status 500, or 503 for `unavailable`.
 */
export type SignInMethod = {
  /**
   * Called with the request of the browser, whose URL is absolute and of the issuer, and which has no body. Called again when
   * the browser comes back to `step.url`: a method without a state of its own reads that from the request.
   */
  signIn(request: Request, step: SignInStep): Promise<SignInOutcome>;
  /**
   * Called for `GET /oauth/callback`. Its parameter `state` must be the handle, and the browser the one that began: both are
   * checked before (P13), and `step` is that of the handle. Default: there is no such path.
   *
   * `step.token` is a secret of this browser and this handle: what `callback` must know of `signIn`, such as a nonce and a
   * code verifier, can be derived from it, and needs no storage. It must not be sent anywhere itself.
   */
  callback?(request: Request, step: SignInStep): Promise<SignInOutcome>;
};

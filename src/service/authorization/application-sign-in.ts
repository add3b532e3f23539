import { MintmarkError } from "../../errors.ts";
import type { AuditRecord } from "../../store/audit.ts";
import type { AuthorizationRequest } from "../../store/authorization.ts";
import type { SignInAnswer } from "../../store/sign-in-store.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import { requestedClaims } from "../../token/describe-claims.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Settings } from "../settings.ts";
import { hashOf } from "../tokens/grant.ts";
import { askingClient, continueUrl, describeTarget, signInDemand } from "./description.ts";
import { checkedPerson, timeOfAnswer } from "./person.ts";
import { createSecret } from "./secrets.ts";
import type { ConsentStep, Person } from "./step.ts";

/** What a person is asked to sign in for. */
export type DescribedSignIn = {
  client: ConsentStep["client"];
  resources: { audience: string; name: string }[];
  scopes: { name: string; description?: string | undefined }[];
  loginHint?: string | undefined;
  /** The longest time since the person signed in, as of now: `now - signedInAt <= maxAge`. */
  maxAge?: Seconds | undefined;
};

/** Where the application sends the browser. */
export type SignInReturn = { url: string };

/**
 * The use cases of an application in another process at which people sign in. Each throws `unknown_sign_in` for a handle that is
 * unknown, expired or answered. Not checked: which browser presented the handle. Send that browser, and no other, to the URL in
 * the answer: it works in the one that began alone.
 */
export type ApplicationSignIn<Custom> = {
  describe(caller: Caller, handle: string): Promise<DescribedSignIn>;
  /** Says who the person is. Throws `invalid_request` for what no token could contain. */
  accept(caller: Caller, request: Person<Custom> & { handle: string }): Promise<SignInReturn>;
  /** The person does not sign in: the client receives `access_denied`. */
  refuse(caller: Caller, handle: string): Promise<SignInReturn>;
};

export type ApplicationSignInOptions = {
  store: Pick<Store, "findAuthorizationRequest" | "findClient" | "findResources" | "setPerson">;
  trust: Pick<StoreFollower, "latest">;
  authorize: Authorize;
  settings: Pick<Settings, "issuer">;
  claimsSchema: ClaimsSchema;
  clock: Clock;
};

/** See {@link ApplicationSignIn}. */
export function createApplicationSignIn<Custom>(options: ApplicationSignInOptions): ApplicationSignIn<Custom> {
  const { store, trust, authorize, settings, clock } = options;
  const schema = requestedClaims(options.claimsSchema);

  async function find(handle: string): Promise<AuthorizationRequest> {
    const found = await store.findAuthorizationRequest(hashOf(handle));
    if (found === undefined || found.expiresAt <= clock()) throw new MintmarkError("unknown_sign_in");
    return found;
  }

  /**
   * A stranger could begin an authorization and send its handle to a person who is signed in at the application. So the request
   * gets another handle, which reaches the browser of that person alone; and it is good only in the browser that began (P13).
   */
  async function answer(handle: string, person: SignInAnswer["person"], record: AuditRecord): Promise<SignInReturn> {
    const next = createSecret();
    const outcome = await store.setPerson(hashOf(handle), { person, handle: hashOf(next) }, record);
    if (outcome === "unknown") throw new MintmarkError("unknown_sign_in");
    return { url: continueUrl(settings.issuer(), next) };
  }

  return {
    describe: (caller, handle) =>
      authorize(caller, { action: "signIn.describe", permission: "sign_in" }, async () => {
        const request = await find(handle);
        const { clientId } = request;
        const client = await store.findClient(clientId);
        return {
          client: client === undefined ? { clientId, name: clientId } : askingClient(client),
          ...(await describeTarget(store, { audience: request.audience, scope: request.scope })),
          ...signInDemand(request, clock()),
        };
      }),

    accept(caller, { handle, ...given }) {
      const operation = { action: "signIn.accept", permission: "sign_in", target: { subject: given.subject } } as const;
      return authorize(caller, operation, async (record) => {
        const { sequence: asOf } = await trust.latest();
        const now = timeOfAnswer(await find(handle), clock());
        return answer(handle, { ...checkedPerson(given, { schema, now }), asOf }, record);
      });
    },

    refuse: (caller, handle) =>
      authorize(caller, { action: "signIn.refuse", permission: "sign_in" }, async (record) => {
        await find(handle);
        return answer(handle, "refused", record);
      }),
  };
}

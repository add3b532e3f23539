import { MintmarkError } from "../../errors.ts";
import type { SignedInPerson } from "../../store/authorization.ts";
import type { SignIn } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import { requestedClaims } from "../../token/describe-claims.ts";
import { answerTo, ERRORS, errorTo, type Fail, refused } from "./answers.ts";
import { createDecisions, type DecisionsOptions } from "./decision.ts";
import { askingClient, continueUrl, oldestSignIn, signInDemand } from "./description.ts";
import type { PendingRequest, RequestReader } from "./pending.ts";
import { checkedPerson, timeOfAnswer } from "./person.ts";
import type { Asked } from "./requests.ts";
import { formToken } from "./secrets.ts";
import type { SignedIn, SignInSessions } from "./sign-in-sessions.ts";
import type { Browser, SignIns, Step } from "./step.ts";

/** Attempts where a change of the client meets its request. */
const MAX_ATTEMPTS = 3;

export type AuthorizationOptions = Omit<DecisionsOptions, "fail"> & {
  store: Pick<Store, "denyDeviceRequest">;
  reader: RequestReader;
  sessions: SignInSessions;
  claimsSchema: ClaimsSchema;
  clock: Clock;
};

/**
 * The authorization of clients by people (RFC 6749 §4.1, OIDC Core §3.1), one path for all: request, who is asking, who is the
 * person, what did they agree to, code.
 */
export function createAuthorization(options: AuthorizationOptions): SignIns {
  const { store, requests, reader, sessions, settings, audit, clock } = options;
  const schema = requestedClaims(options.claimsSchema);

  const fail: Fail = async (asked, error, record) => {
    const { kept, request, client } = asked;
    if (kept !== undefined && !(await requests.forget(kept, record))) return refused("expired");
    // A device learns it when it asks next (RFC 8628 §3.5).
    if (request.target.kind === "device") {
      const entry = { clientId: client.clientId, outcome: "refused", reason: "access_denied" } as const;
      await store.denyDeviceRequest(request.target.hash, audit.record({ action: "device.deny", ...entry }));
    }
    return errorTo(request, { issuer: settings.issuer(), ...error });
  };
  const decisions = createDecisions({ ...options, fail });

  async function askSignIn(asked: Asked, browser: Browser): Promise<Step> {
    const { request, client } = asked;
    if (request.prompt.none) return fail(asked, ERRORS.loginRequired);
    const outcome = await requests.keep(asked, browser);
    if ("retryAfter" in outcome) return { ...refused("rate_limited"), ...outcome };
    const { handle, key } = outcome.kept;
    return {
      step: "sign_in",
      handle,
      token: formToken(key, handle),
      url: continueUrl(settings.issuer(), handle),
      client: askingClient(client),
      ...signInDemand(request, clock()),
      ...(request.prompt.login && { login: true }),
      ...(request.prompt.select && oldestSignIn(request) === 0 && { select: true }),
      cookies: outcome.cookies,
    };
  }

  /** The page was answered: the request has another handle from then on. */
  async function askForAnother({ request, client, kept }: Asked, browser: Browser): Promise<Step> {
    const prompt = { ...request.prompt, select: true } as const;
    const again = { ...request, prompt, loginHint: undefined, startedAt: clock() };
    const step = await askSignIn({ request: again, client }, browser);
    if (step.step !== "sign_in" || kept === undefined) return step;
    return (await requests.forget(kept)) ? step : refused("expired");
  }

  /** Goes on as far as possible without asking anybody. */
  async function advance(asked: Asked, browser: Browser, signedIn?: SignedIn): Promise<Step> {
    const signIn = signedIn?.signIn ?? (await sessions.current(browser));
    const isKnown = signIn !== undefined && isRecent(signIn, asked);
    const settled = isKnown ? await decisions.resolve({ asked, browser, signIn }) : "ended";
    const step = settled === "ended" ? await askSignIn(asked, browser) : settled;
    if (signedIn === undefined) return step;
    return { ...step, cookies: { ...step.cookies, session: { value: signedIn.cookie } } };
  }

  async function signInAs(asked: Asked, browser: Browser, person: SignedInPerson): Promise<Step> {
    if (person.authTime < oldestSignIn(asked.request)) return fail(asked, ERRORS.loginRequired);
    const { clientId } = asked.client;
    const signedIn = await sessions.signIn(person, { browser, clientId });
    return signedIn === "revoked" ? fail(asked, ERRORS.loginRequired) : advance(asked, browser, signedIn);
  }

  /** Begins with a request that came without cookies, now that they are here. */
  function begin(held: PendingRequest, browser: Browser): Promise<Step> {
    return withRetries(async () => {
      const asked = await requests.ofClient(held);
      if (typeof asked === "string") return refused(asked);
      const step = await advance(asked, browser);
      // A page that is reloaded has the handle of this browser.
      if (!("handle" in step)) return step;
      return { step: "continue", url: continueUrl(settings.issuer(), step.handle), cookies: step.cookies };
    });
  }

  /** Goes on with a stored request. */
  function continued(handle: string, browser: Browser, work: (asked: Asked) => Promise<Step>): Promise<Step> {
    return withRetries(async () => {
      const asked = await requests.load(handle, browser);
      return typeof asked === "string" ? refused(asked) : work(asked);
    });
  }

  return {
    begin: (parameters, browser, { withheld }) =>
      withRetries(async () => {
        const read = await reader.read(parameters, { now: clock(), address: browser.address });
        if (read.outcome === "refused") return refused(read.reason);
        if (read.outcome === "error") return answerTo(read.receiver, { issuer: settings.issuer(), ...read.error });
        if (!withheld) return advance(read, browser);
        const outcome = await requests.hold(read, browser);
        if ("retryAfter" in outcome) return { ...refused("rate_limited"), ...outcome };
        return { step: "continue", url: continueUrl(settings.issuer(), outcome.handle) };
      }),

    async resume(handle, browser) {
      const held = await requests.takeHeld(handle);
      if (held !== undefined) return begin(held, browser);
      return continued(handle, browser, async (asked) => {
        const { kept, person } = asked;
        if (person === "refused") return fail(asked, ERRORS.signInRefused);
        // Once: the URL stays in the history of the browser, and signs nobody in again who has signed out since.
        const isTaken = kept !== undefined && person !== undefined && (await requests.takePerson(kept));
        return isTaken ? signInAs(asked, browser, person) : advance(asked, browser);
      });
    },

    accept: (handle, browser, person) =>
      continued(handle, browser, (asked) => {
        const now = timeOfAnswer(asked.request, clock());
        return signInAs(asked, browser, checkedPerson(person, { schema, now }));
      }),

    refuse: (handle, browser) => continued(handle, browser, (asked) => fail(asked, ERRORS.signInRefused)),

    decide: (handle, browser, decision) =>
      continued(handle, browser, async (asked) => {
        const signIn = await sessions.current(browser);
        if (signIn === undefined || !isRecent(signIn, asked)) return advance(asked, browser);
        const decided = await decisions.decide({ asked, browser, signIn }, decision);
        // Another person has signed in since the page was made. They are asked for themselves.
        return decided === "ended" || decided === "other_person" ? advance(asked, browser) : decided;
      }),

    switchAccount: (handle, browser, token) =>
      continued(handle, browser, async (asked) => {
        const signIn = await sessions.current(browser);
        const isAnswered = signIn !== undefined && decisions.isOfPage({ asked, browser, signIn }, token);
        return isAnswered ? askForAnother(asked, browser) : advance(asked, browser);
      }),
  };
}

/** Repeats what a concurrent change of the client has met, with the client as it is then. */
async function withRetries(work: () => Promise<Step>): Promise<Step> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const isConflict = error instanceof MintmarkError && error.reason === "conflict";
      if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/**
 * Whether a session is recent enough. With `prompt=login`, none from before the request is, not even of the same second; nor
 * where the person wants another account.
 */
function isRecent({ authTime, hash }: SignIn, { request, kept }: Asked): boolean {
  const { prompt } = request;
  if ((prompt.login || prompt.select) && (kept === undefined || hash === prompt.before)) return false;
  return authTime >= oldestSignIn(request);
}

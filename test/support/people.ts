import { createHash, randomUUID } from "node:crypto";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Browser, Step } from "../../src/service/authorization/step.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type OpenOptions, openService } from "./service.ts";

/** A code verifier and its challenge. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

export const REDIRECT_URI = "https://shop.example/callback";

/** Adds a client that signs people in. Default: confidential, with a consent page. */
export function addWebClient(service: Pick<TokenService, "clients">, more: Partial<NewClient> = {}) {
  const fields = { name: "shop", permissions: [], scopes: ["*"], audiences: [], anySubject: false };
  return service.clients.create(localCaller, { ...fields, redirectUris: [REDIRECT_URI], ...more });
}

/** A service with a client that signs people in, and a browser. */
export async function openPeople(client: Partial<NewClient> = {}, options: OpenOptions = {}) {
  const opened = await openService(options);
  const { clientId, clientSecret } = await addWebClient(opened.service, client);
  const credentials =
    client.authMethod === "none" ? ({ method: "none", clientId } as const) : { clientId, clientSecret };
  const authenticate = () => opened.service.authenticate(credentials, "192.0.2.1");
  return { ...opened, clientId, clientSecret, authenticate, browser: openBrowser(opened.service) };
}

/** The parameters of an authorization request. `undefined` removes one. */
export function authorizationRequest(
  clientId: string,
  more: Record<string, string | undefined> = {},
  resources: readonly string[] = [],
) {
  const all = {
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    state: "xyz",
    ...more,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { parameters: new Map(given), resources };
}

/** A browser that keeps the cookies of the steps. */
export function openBrowser(service: Pick<TokenService, "signIns">) {
  const { signIns } = service;
  if (signIns === undefined) throw new Error("The service signs nobody in");
  const browser: Browser = {};
  const keep = async (step: Promise<Step>) => {
    const { cookies, ...rest } = await step;
    const { session, key } = cookies ?? {};
    if (session !== undefined) browser.session = session === "clear" ? undefined : session.value;
    if (key !== undefined) browser.key = key.value;
    return rest as Step;
  };
  return {
    cookies: browser,
    begin: (request: ReturnType<typeof authorizationRequest>, { withheld = false } = {}) =>
      keep(signIns.begin(request, browser, { withheld })),
    resume: (handle: string) => keep(signIns.resume(handle, browser)),
    accept: (handle: string, subject: string, more: object = {}) =>
      keep(signIns.accept(handle, browser, { subject, ...more })),
    refuse: (handle: string) => keep(signIns.refuse(handle, browser)),
    switchAccount: (handle: string, token: string) => keep(signIns.switchAccount(handle, browser, token)),
    decide: (handle: string, token: string, allow = true) => keep(signIns.decide(handle, browser, { allow, token })),
  };
}

/** The step, if it is of this kind. */
export function expectStep<Kind extends Step["step"]>(step: Step, kind: Kind): Extract<Step, { step: Kind }> {
  if (step.step !== kind) throw new Error(`The step is ${JSON.stringify(step)}, not ${kind}`);
  return step as Extract<Step, { step: Kind }>;
}

/** The code that a step sends to the client. */
export function codeIn(step: Step): string {
  const { code } = expectStep(step, "redirect").parameters;
  if (code === undefined) throw new Error(`There is no code in ${JSON.stringify(step)}`);
  return code;
}

/** Signs a person in, agrees to everything, and returns the code. */
export async function codeFor(
  browser: ReturnType<typeof openBrowser>,
  request: ReturnType<typeof authorizationRequest>,
  { subject = "ada", more = {} }: { subject?: string; more?: object } = {},
): Promise<string> {
  let step = await browser.begin(request);
  if (step.step === "sign_in") step = await browser.accept(step.handle, subject, more);
  if (step.step === "consent") step = await browser.decide(step.handle, step.token);
  return codeIn(step);
}

type People = Pick<TokenService, "clients" | "signIns" | "sessions">;

/** Begins an authorization in a new browser, by a new client that needs no consent, and returns its handle. */
export async function beginSignIn(service: People): Promise<string> {
  return (await begin(service)).handle;
}

async function begin(service: People) {
  const { clientId } = await addWebClient(service, { firstParty: true });
  const browser = openBrowser(service);
  const { handle } = expectStep(await browser.begin(authorizationRequest(clientId)), "sign_in");
  return { browser, handle };
}

/** Signs a new person in, and returns the `sid` of the session. */
export async function sessionOf(service: People, subject: string = randomUUID()): Promise<string> {
  const { browser, handle } = await begin(service);
  await browser.accept(handle, subject);
  const { sessions } = await service.sessions.list(localCaller, { subject, limit: 1 });
  return sessions[0]?.sid ?? "none";
}

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createProviderSignIn } from "../../../src/oauth/sign-in/provider.ts";
import type { SignInMethod } from "../../../src/oauth/sign-in-method.ts";
import { checkedPerson } from "../../../src/service/authorization/person.ts";
import type { SignInStep } from "../../../src/service/authorization/step.ts";
import { systemClock } from "../../../src/time.ts";
import { openProvider, PROVIDER_CLIENT } from "../../support/openid-provider.ts";

const OWN_ISSUER = "https://id.example/auth";
const STEP: SignInStep = {
  step: "sign_in",
  handle: "handle-of-43-characters-000000000000000000",
  token: "token-of-this-browser",
  url: `${OWN_ISSUER}/oauth/continue?handle=handle-of-43-characters-000000000000000000`,
  client: { clientId: "web", name: "Web" },
};

let provider: Awaited<ReturnType<typeof openProvider>>;
let method: SignInMethod;
let failures: { work: string; error: unknown }[] = [];

const open = (issuer: string, more: Partial<Parameters<typeof createProviderSignIn>[0]> = {}) =>
  createProviderSignIn({
    issuer,
    ...PROVIDER_CLIENT,
    ownIssuer: OWN_ISSUER,
    clock: systemClock,
    onFailure: (work, error) => failures.push({ work, error }),
    ...more,
  });

beforeAll(async () => {
  provider = await openProvider();
  method = await open(provider.issuer);
});
afterAll(() => provider[Symbol.asyncDispose]());
beforeEach(() => {
  provider.behave({});
  provider.received.length = 0;
  failures = [];
});

async function sentTo(step = STEP, of = method): Promise<string> {
  const outcome = await of.signIn(new Request(step.url), step);
  if (outcome.outcome !== "response") throw new Error(outcome.outcome);
  return outcome.response.headers.get("location") ?? "";
}

const callBack = (query: URLSearchParams, step = STEP, of = method) =>
  of.callback?.(new Request(`${OWN_ISSUER}/oauth/callback?${query}`), step);

/** Signs in, in one browser. */
const signIn = async (step = STEP, of = method) => callBack(provider.authorize(await sentTo(step, of)), step, of);

describe("a person who signs in at a provider", () => {
  it("is sent there with PKCE, state and nonce, and comes back as the provider's subject", async () => {
    const url = new URL(await sentTo({ ...STEP, loginHint: "ada@example.org" }));
    expect(`${url.origin}${url.pathname}`).toBe(`${provider.issuer}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: "1",
      response_type: "code",
      client_id: PROVIDER_CLIENT.clientId,
      redirect_uri: `${OWN_ISSUER}/oauth/callback`,
      scope: "openid email",
      state: STEP.handle,
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      login_hint: "ada@example.org",
    });
    provider.behave({ claims: { name: "Ada" }, userInfo: { name: "Ada Lovelace", locale: "en" } });
    const authTime = expect.closeTo(Date.now() / 1000, -1);
    const profile = expect.objectContaining({ email: "ada@example.org", name: "Ada Lovelace", locale: "en" });
    expect(await signIn()).toEqual({
      outcome: "person",
      person: { subject: "provider-sub-1", authTime, profile },
    });
    expect(failures).toEqual([]);
  });

  it("leaves neither the handle's token nor the tokens of the provider anywhere", async () => {
    const url = await sentTo();
    const outcome = await callBack(provider.authorize(url));
    for (const seen of [url, JSON.stringify(outcome)]) {
      expect(seen).not.toContain(STEP.token);
      expect(seen).not.toContain("provider-access-token");
    }
  });

  it("is asked for again by max_age, and by prompt=login for a new sign-in", async () => {
    const asked = async (more: Partial<SignInStep>) => new URL(await sentTo({ ...STEP, ...more })).searchParams;
    expect(Object.fromEntries(await asked({ maxAge: 300 }))).toMatchObject({ max_age: "300" });
    expect((await asked({ maxAge: 300 })).has("prompt")).toBe(false);
    const forced = { max_age: "3", prompt: "login" };
    expect(Object.fromEntries(await asked({ maxAge: 3, login: true }))).toMatchObject(forced);
  });

  it("is asked for another account, whenever that signed in", async () => {
    const step: SignInStep = { ...STEP, maxAge: 3, select: true };
    const { searchParams } = new URL(await sentTo(step));
    expect([searchParams.get("prompt"), searchParams.has("max_age")]).toEqual(["select_account", false]);
    provider.behave({});
    expect(await signIn(step)).toMatchObject({ person: { authTime: expect.closeTo(systemClock(), -1) } });
  });

  it("signed in when the provider says so; without that, a request with max_age is not answered as recent", async () => {
    const now = systemClock();
    provider.behave({ claims: { auth_time: now - 500 } });
    expect(await signIn({ ...STEP, maxAge: 300 })).toMatchObject({ person: { authTime: now - 500 } });
    provider.behave({ claims: { auth_time: now + 3600 } });
    expect(await signIn()).toMatchObject({ person: { authTime: expect.closeTo(now, -1) } });
    provider.behave({});
    expect(await signIn({ ...STEP, maxAge: 300 })).toMatchObject({ person: { authTime: 0 } });
  });

  it("signed in when the provider says so, in whole seconds", async () => {
    const now = systemClock();
    provider.behave({ claims: { auth_time: now - 500.5 } });
    expect(await signIn()).toMatchObject({ person: { authTime: now - 501 } });
  });

  it.each([
    ["picture", `data:${"x".repeat(5000)}`],
    ["website", "x".repeat(3990)],
    ["name", "\ud800"],
  ])("is not kept from signing in by a %s that no token can contain", async (name, value) => {
    provider.behave({ claims: { [name]: value }, userInfo: { [name]: value, locale: "en" } });
    const outcome = await signIn();
    if (outcome?.outcome !== "person") throw new Error(`The outcome is ${outcome?.outcome}`);
    expect(outcome.person.profile).toEqual({ email: "ada@example.org", locale: "en" });
    expect(checkedPerson(outcome.person, { schema: z.object({}), now: systemClock() })).toMatchObject({
      profile: { locale: "en" },
    });
  });

  it("does not want to: the outcome is a refusal", async () => {
    await sentTo();
    const query = new URLSearchParams({ error: "access_denied", state: STEP.handle });
    expect(await callBack(query)).toEqual({ outcome: "refused" });
    expect(failures).toEqual([]);
  });
});

describe("the client at the provider", () => {
  it.each([
    [undefined, true],
    [["client_secret_basic", "client_secret_post"], true],
    [["client_secret_post"], false],
  ])("authenticates by a method of %j", async (methods, isBasic) => {
    await using other = await openProvider();
    other.behave({ metadata: { token_endpoint_auth_methods_supported: methods } });
    const atOther = await open(other.issuer);
    const query = other.authorize(await sentTo(STEP, atOther));
    expect(await callBack(query, STEP, atOther)).toMatchObject({ outcome: "person" });
    const [{ authorization = "", form } = { form: new URLSearchParams() }] = other.received;
    expect(authorization.startsWith("Basic ")).toBe(isBasic);
    expect(form.get("client_secret")).toBe(isBasic ? null : PROVIDER_CLIENT.clientSecret);
  });
});

const unsigned = (signed: string, alg: string) => {
  const header = Buffer.from(JSON.stringify({ alg })).toString("base64url");
  return `${header}.${signed.split(".")[1]}.`;
};

describe("a forged token of a provider is refused (P37)", () => {
  it.each<[name: string, behaviour: Parameters<typeof provider.behave>[0]]>([
    ["alg none, which the provider even lists", { idToken: (signed) => unsigned(signed, "none") }],
    ["alg None", { idToken: (signed) => unsigned(signed, "None") }],
    ["HS256, which the provider even lists", { idToken: (signed) => `${unsigned(signed, "HS256")}AAAA` }],
    ["a signature of another token", { idToken: (signed) => `${signed.slice(0, -20)}${"A".repeat(20)}` }],
    ["no signature", { idToken: (signed) => signed.replace(/[^.]+$/, "") }],
    ["no token at all", { idToken: () => "" }],
    ["another audience", { claims: { aud: "another client" } }],
    ["another issuer", { claims: { iss: "https://accounts.example" } }],
    ["another nonce", { claims: { nonce: "of another sign-in" } }],
    ["no nonce", { claims: { nonce: undefined } }],
    ["an expired token", { claims: { exp: 1_000_000_000 } }],
    ["user information of another person", { userInfo: { sub: "provider-sub-2" } }],
    ["a refused code", { token: { status: 400, body: '{"error":"invalid_grant"}' } }],
    ["a wrong client secret", { token: { status: 401, body: '{"error":"invalid_client"}' } }],
  ])("%s", async (_, behaviour) => {
    provider.behave(behaviour);
    expect(await signIn()).toEqual({ outcome: "failed" });
    expect(failures).toHaveLength(1);
  });

  it("names in the log what the operator can change", async () => {
    provider.behave({ token: { status: 401, body: '{"error":"invalid_client","error_description":"canary"}' } });
    await signIn();
    expect(failures.map(({ work }) => work)).toEqual(["the sign-in at the OpenID provider (invalid_client)"]);
  });
});

describe("a callback that this browser did not cause is refused (P13)", () => {
  it.each<[name: string, step: SignInStep, change: (query: URLSearchParams) => void]>([
    ["the code of another browser", { ...STEP, token: "token-of-another-browser" }, () => {}],
    ["another state", STEP, (query) => query.set("state", "another")],
    ["a second state", STEP, (query) => query.append("state", "another")],
    ["no state", STEP, (query) => query.delete("state")],
    ["another issuer", STEP, (query) => query.set("iss", "https://accounts.example")],
    ["a code of nobody", STEP, (query) => query.set("code", "canary")],
    ["no code", STEP, (query) => query.delete("code")],
    ["an error of another kind", STEP, (query) => query.set("error", "login_required")],
    ["a token in the query", STEP, (query) => query.set("id_token", "a.b.c")],
  ])("%s", async (_, step, change) => {
    const query = provider.authorize(await sentTo());
    change(query);
    expect(await callBack(query, step)).toEqual({ outcome: "failed" });
  });
});

describe("a provider that is away", () => {
  it("is asked again when it is back: the server starts without it", async () => {
    const { issuer, ...gone } = await openProvider();
    await gone[Symbol.asyncDispose]();
    const late = await open(issuer);
    await expect(late.signIn(new Request(STEP.url), STEP)).rejects.toMatchObject({ reason: "unavailable" });
    expect(failures.map(({ work }) => work)).toEqual(["reading the metadata of the OpenID provider"]);
    await using _back = await openProvider({ port: Number(new URL(issuer).port) });
    expect(await sentTo(STEP, late)).toContain(`${issuer}/authorize`);
  });

  it.each([
    { status: 500, body: "{}" },
    { status: 503, body: "busy", type: "text/plain" },
    { status: 200, body: "<html>", type: "text/html" },
  ])("at its token endpoint by %j is unavailable", async (token) => {
    provider.behave({ token });
    await expect(signIn()).rejects.toMatchObject({ reason: "unavailable" });
  });

  it.each([
    { issuer: "http://127.0.0.1:1" },
    { authorization_endpoint: "http://accounts.example/authorize" },
    { authorization_endpoint: "javascript:alert(1)" },
    { authorization_endpoint: undefined },
  ])("with the metadata %j is as one that is away", async (metadata) => {
    await using wrong = await openProvider();
    wrong.behave({ metadata });
    const atWrong = await open(wrong.issuer);
    await expect(atWrong.signIn(new Request(STEP.url), STEP)).rejects.toMatchObject({ reason: "unavailable" });
  });

  it("never receives the secret by http from elsewhere", async () => {
    await using wrong = await openProvider();
    wrong.behave({ metadata: { token_endpoint: "http://accounts.example/token" } });
    const atWrong = await open(wrong.issuer);
    const query = wrong.authorize(await sentTo(STEP, atWrong));
    expect(await callBack(query, STEP, atWrong)).toEqual({ outcome: "failed" });
  });
});

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { guarded } from "../support/children.ts";
import { compile, ISSUER, programFolder } from "../support/document-code.ts";
import { openProvider, PROVIDER_CLIENT } from "../support/openid-provider.ts";
import { freePort } from "../support/process.ts";
import { type OpenedProgram, openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";
import { openWebBrowser, type Visited } from "../support/web-browser.ts";

const SECRET = "canary-admin-secret-of-32-characters";
const ADMIN = { clientId: "admin", clientSecret: SECRET };
const CALLBACK = "http://127.0.0.1:9/callback";
const VERIFIER = randomBytes(32).toString("base64url");

const folder = temporaryFolder();
let folders = 0;
afterAll(() => folder[Symbol.dispose]());

/** A server for clients, with an administrator and a client that signs people in without a consent page. */
async function startOwn(environment: Record<string, string>) {
  folders += 1;
  const server = await openProgram({
    MINTMARK_DATA: join(folder.path, String(folders)),
    MINTMARK_ACCESS: "clients",
    MINTMARK_ADMIN_SECRET: SECRET,
    ...environment,
  });
  const admin = createTokenClient({ url: server.origin, credentials: ADMIN });
  const fields = { name: "web", permissions: [], redirectUris: [CALLBACK], firstParty: true };
  const { clientId, clientSecret } = await admin.clients.create.mutate(fields);
  return { ...server, admin, clientId, clientSecret };
}

function authorizeUrl({ origin, clientId }: { origin: string; clientId: string }, more: Record<string, string> = {}) {
  const query = new URLSearchParams({
    ...{ client_id: clientId, redirect_uri: CALLBACK, response_type: "code", state: "xyz", scope: "openid email" },
    ...{ code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"), code_challenge_method: "S256" },
    ...more,
  });
  return `${origin}/oauth/authorize?${query}`;
}

const answerIn = ({ url }: Visited) => Object.fromEntries(new URL(url).searchParams);

/** The claims of the id_token for the code that came back. */
async function idTokenFor(own: Awaited<ReturnType<typeof startOwn>>, visit: Visited) {
  const { code = "" } = answerIn(visit);
  const response = await fetch(`${own.origin}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${own.clientId}:${own.clientSecret}`).toString("base64")}` },
    body: new URLSearchParams({
      ...{ grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: VERIFIER },
    }),
  });
  const tokens = (await response.json()) as { id_token?: string };
  return decodeJwt(tokens.id_token ?? JSON.stringify(tokens));
}

describe("people who sign in at another Mintmark", () => {
  let upstream: OpenedProgram;
  let own: Awaited<ReturnType<typeof startOwn>>;
  beforeAll(async () => {
    upstream = await openProgram({ MINTMARK_DATA: join(folder.path, "upstream") });
    const port = await freePort();
    const redirectUris = [`http://127.0.0.1:${port}/oauth/callback`];
    const { clients } = createTokenClient({ url: upstream.origin });
    const client = { name: "own", permissions: [], redirectUris, firstParty: true };
    const { clientId, clientSecret } = await clients.create.mutate(client);
    own = await startOwn({
      PORT: port,
      MINTMARK_SIGN_IN_ISSUER: upstream.origin,
      MINTMARK_SIGN_IN_CLIENT_ID: clientId,
      MINTMARK_SIGN_IN_CLIENT_SECRET: clientSecret,
    });
  });
  afterAll(async () => {
    await own[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  it("are the subject that they are there, and are not asked again", async () => {
    const visitor = openWebBrowser();
    const page = await visitor.open(authorizeUrl(own));
    expect(page.url).toContain(upstream.origin);
    const back = await visitor.submit(page, { subject: "ada" }, { until: CALLBACK });
    expect(answerIn(back)).toEqual({ code: expect.any(String), state: "xyz", iss: own.origin });
    expect(await idTokenFor(own, back)).toMatchObject({ iss: own.origin, sub: "ada", aud: own.clientId });
    const again = await visitor.open(authorizeUrl(own), { until: CALLBACK });
    expect(answerIn(again)).toMatchObject({ code: expect.any(String) });
  });

  it("sign in again at prompt=login and for max_age", async () => {
    const visitor = openWebBrowser();
    await visitor.submit(await visitor.open(authorizeUrl(own)), { subject: "ada" }, { until: CALLBACK });
    for (const more of [{ prompt: "login" }, { max_age: "0" }]) {
      const page = await visitor.open(authorizeUrl(own, more));
      expect(page.url).toContain(upstream.origin);
      const back = await visitor.submit(page, { subject: "ada" }, { until: CALLBACK });
      expect(answerIn(back)).toMatchObject({ code: expect.any(String) });
    }
  });

  it("cannot complete the sign-in of another browser (P13)", async () => {
    const [victim, attacker] = [openWebBrowser(), openWebBrowser()];
    const page = await attacker.open(authorizeUrl(own));
    const link = await attacker.submit(page, { subject: "eve" }, { until: `${own.origin}/oauth/callback` });
    const stolen = await victim.open(link.url, { until: CALLBACK });
    expect(stolen).toMatchObject({ status: 400, url: link.url });
    expect(answerIn(await attacker.open(link.url, { until: CALLBACK }))).toMatchObject({ code: expect.any(String) });
  });

  it("have nothing of the provider in the log", async () => {
    expect(own.log()).not.toMatch(/canary|eyJ|code=|handle=/);
  });
});

describe("a provider that is not there at the start", () => {
  it("does not stop the start; people see a page until it is there", async () => {
    const port = await freePort();
    const { clientId, clientSecret } = PROVIDER_CLIENT;
    await using own = await startOwn({
      MINTMARK_SIGN_IN_ISSUER: `http://127.0.0.1:${port}`,
      MINTMARK_SIGN_IN_CLIENT_ID: clientId,
      MINTMARK_SIGN_IN_CLIENT_SECRET: clientSecret,
    });
    const visitor = openWebBrowser();
    expect(await visitor.open(authorizeUrl(own))).toMatchObject({
      status: 503,
      text: expect.stringMatching(/^<!doctype/i),
    });
    expect(own.log()).toMatch(/reading the metadata of the OpenID provider/);
    await using provider = await openProvider({ port: Number(port) });
    const sent = await visitor.open(authorizeUrl(own), { until: `${provider.issuer}/authorize` });
    const callback = `${own.origin}/oauth/callback?${provider.authorize(sent.url)}`;
    const back = await visitor.open(callback, { until: CALLBACK });
    expect(await idTokenFor(own, back)).toMatchObject({ sub: "provider-sub-1", email: "ada@example.org" });
    const refused = await openWebBrowser().open(authorizeUrl(own), { until: `${provider.issuer}/authorize` });
    expect(new URL(refused.url).searchParams.get("state")).toMatch(/^[\w-]{43}$/);
  });

  it("answers a forged token by a page, and no code (P37)", async () => {
    await using provider = await openProvider();
    await using own = await startOwn({
      MINTMARK_SIGN_IN_ISSUER: provider.issuer,
      MINTMARK_SIGN_IN_CLIENT_ID: PROVIDER_CLIENT.clientId,
      MINTMARK_SIGN_IN_CLIENT_SECRET: PROVIDER_CLIENT.clientSecret,
    });
    provider.behave({ claims: { aud: "another client" } });
    const visitor = openWebBrowser();
    const sent = await visitor.open(authorizeUrl(own), { until: `${provider.issuer}/authorize` });
    const callback = `${own.origin}/oauth/callback?${provider.authorize(sent.url)}`;
    expect(await visitor.open(callback, { until: CALLBACK })).toMatchObject({ status: 400, url: callback });
    expect(own.log()).toMatch(/the sign-in at the OpenID provider/);
    const denied = new URLSearchParams({
      error: "access_denied",
      state: new URL(callback).searchParams.get("state") ?? "",
    });
    const back = await visitor.open(`${own.origin}/oauth/callback?${denied}`, { until: CALLBACK });
    expect(answerIn(back)).toMatchObject({ error: "access_denied", state: "xyz", iss: own.origin });
  });
});

describe("people who sign in at an application of the operator", () => {
  it("are who the application says, or refuse there", async () => {
    let answer: (handle: string) => Promise<{ url: string }> = async () => ({ url: "" });
    const application = createServer((request, response) => {
      const handle = new URL(request.url ?? "", "http://x").searchParams.get("handle") ?? "";
      void answer(handle).then(({ url }) => response.writeHead(303, { location: url }).end());
    });
    await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
    const { port } = application.address() as AddressInfo;
    await using own = await startOwn({ MINTMARK_SIGN_IN_URL: `http://127.0.0.1:${port}/login` });
    const added = await own.admin.clients.create.mutate({ name: "login", permissions: ["sign_in"] });
    const { signIn } = createTokenClient({ url: own.origin, credentials: added });
    answer = async (handle) => {
      const { client, scopes } = await signIn.describe.query({ handle });
      expect({ client, scopes }).toEqual({
        client: { clientId: own.clientId, name: "web" },
        scopes: [{ name: "openid" }, { name: "email" }],
      });
      return signIn.accept.mutate({ handle, subject: "ada", profile: { email: "ada@example.org" } });
    };
    const back = await openWebBrowser().open(authorizeUrl(own), { until: CALLBACK });
    expect(await idTokenFor(own, back)).toMatchObject({ sub: "ada", email: "ada@example.org" });

    answer = (handle) => signIn.refuse.mutate({ handle });
    const refused = await openWebBrowser().open(authorizeUrl(own), { until: CALLBACK });
    expect(answerIn(refused)).toMatchObject({ error: "access_denied", state: "xyz", iss: own.origin });
    application.close();
    application.closeAllConnections();
  });

  it("sign in at the application of the guide, which sends others to its own form", async () => {
    using programs = programFolder();
    const port = await freePort();
    const host = `127.0.0.1:${port}`;
    await using own = await startOwn({ MINTMARK_SIGN_IN_URL: `http://${host}/` });
    const added = await own.admin.clients.create.mutate({ name: "login", permissions: ["sign_in"] });
    const file = programs.putBlock("docs/guides/sign-in.md", "login.ts", { [ISSUER]: own.origin, "5000": port });
    const env = { PATH: process.env.PATH, CLIENT_ID: added.clientId, CLIENT_SECRET: added.clientSecret };
    const login = guarded(spawn(process.execPath, [compile(file)], { env, stdio: "ignore" }));
    const ended = once(login, "exit");
    try {
      await vi.waitFor(() => fetch(`http://${host}/`, { redirect: "manual" }), { timeout: 5000 });
      const visitor = openWebBrowser({ cookies: { [host]: { user: "ada" } } });
      const back = await visitor.open(authorizeUrl(own), { until: CALLBACK });
      expect(await idTokenFor(own, back)).toMatchObject({ sub: "ada", email: "ada@example.org" });
      const form = await openWebBrowser().open(authorizeUrl(own), { until: `http://${host}/password` });
      expect(new URL(form.url).searchParams.get("handle")).toMatch(/^[\w-]{43}$/);
      expect(await (await fetch(`http://${host}/?handle=x`, { headers: { cookie: "user=ada" } })).text()).toMatch(
        /has ended/,
      );
    } finally {
      login.kill();
      await ended;
    }
  });
});

import { spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decodeJwt } from "jose";
import { describe, expect } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { hasChromium, openPage } from "../support/browser.ts";
import { guarded } from "../support/children.ts";
import { compile, hasExtra, programFolder } from "../support/document-code.ts";
import { blocksIn } from "../support/documents.ts";
import { testWith } from "../support/optional.ts";
import { CHALLENGE, VERIFIER } from "../support/people.ts";
import { freePort } from "../support/process.ts";
import { hasSlapd, startSlapd } from "../support/slapd.ts";
import { openWebBrowser } from "../support/web-browser.ts";

const required = process.env.MINTMARK_TEST_LOGINS === "required";

type ServerOptions = { replacements?: Record<string, string>; env?: Record<string, string>; host?: string };

/** Starts the server of a guide, with the page beside it, and a client of it. */
async function startLogin(name: string, { replacements = {}, env = {}, host = "127.0.0.1" }: ServerOptions) {
  const guide = `docs/guides/${name}.md`;
  const folder = programFolder();
  const port = await freePort();
  const file = folder.putBlock(guide, "server.ts", { "3000": port, ...replacements });
  for (const { language, code } of blocksIn(guide))
    if (language === "html") writeFileSync(join(dirname(file), "login.html"), code);
  const options = { cwd: dirname(file), env: { PATH: process.env.PATH, ...env } };
  const child = guarded(
    spawn(process.execPath, [compile(file)], { ...options, stdio: ["ignore", "ignore", "inherit"] }),
  );
  const ended = once(child, "exit");
  const issuer = `http://${host}:${port}`;
  const redirectUri = `${issuer}/done`;
  const { clients } = createTokenClient({ url: issuer });
  const fields = { name: "site", permissions: [], redirectUris: [redirectUri], firstParty: true };
  await expect
    .poll(
      () =>
        fetch(`${issuer}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
  const { clientId, clientSecret } = await clients.create.mutate(fields);
  return {
    issuer,
    redirectUri,
    authorizeUrl(more: Record<string, string> = {}) {
      const query = {
        ...{ client_id: clientId, redirect_uri: redirectUri, response_type: "code", scope: "openid email" },
        ...{ code_challenge: CHALLENGE, code_challenge_method: "S256" },
        ...more,
      };
      return `${issuer}/oauth/authorize?${new URLSearchParams(query)}`;
    },
    /** The claims of the `id_token` for the code in a URL. */
    async personAt(url: string) {
      const code = new URL(url).searchParams.get("code") ?? "";
      const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
      const body = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: VERIFIER };
      const options = { method: "POST", headers: { authorization }, body: new URLSearchParams(body) };
      const { id_token: idToken = "" } = (await (await fetch(`${issuer}/oauth/token`, options)).json()) as Record<
        string,
        string
      >;
      return decodeJwt(idToken);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

const hasLogins = hasExtra("logins");
const found = hasLogins && hasChromium;
const withBrowser = testWith({ program: "test/logins, or Chromium,", found, required });

describe("the guide to better-auth", () => {
  withBrowser("signs in whom better-auth signs in, and again where a client asks for it", async () => {
    await using server = await startLogin("better-auth", {
      env: { BETTER_AUTH_SECRET: randomBytes(32).toString("hex") },
    });
    const account = { name: "Ada", email: "ada@example.org", password: "correct horse battery" };
    const headers = { "content-type": "application/json", origin: server.issuer };
    const body = JSON.stringify(account);
    const added = await fetch(`${server.issuer}/api/auth/sign-up/email`, { method: "POST", headers, body });
    const { user } = (await added.json()) as { user: { id: string } };
    await using opened = await openPage();
    const { page } = opened;
    const signIn = async (more?: Record<string, string>) => {
      await page.goto(server.authorizeUrl(more));
      await page.locator("[name=email]").fill(account.email);
      await page.locator("[name=password]").fill(account.password);
      await page.getByRole("button").click();
      await page.waitForURL(`${server.redirectUri}?**`);
      return server.personAt(page.url());
    };
    expect(await signIn()).toMatchObject({ sub: user.id, email: account.email, email_verified: false });
    await page.goto(server.authorizeUrl());
    expect(await server.personAt(page.url())).toMatchObject({ sub: user.id });
    const now = Math.floor(Date.now() / 1000);
    await expect.poll(() => Math.floor(Date.now() / 1000), { timeout: 2000 }).toBeGreaterThan(now);
    expect(await signIn({ prompt: "login" })).toMatchObject({ sub: user.id });
  });
});

describe("the guide to passkeys", () => {
  withBrowser("signs in who has the passkey, and nobody else", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    const hex = (text: string) => Buffer.from(text, "base64url").toString("hex");
    // A COSE key (RFC 9053 §7.1.1): EC2, ES256, P-256.
    const cose = `a5010203262001215820${hex(x)}225820${hex(y)}`;
    const id = Buffer.alloc(16, 1);
    const stored = `new Map<string, WebAuthnCredential & { userId: string }>([["${id.toString("base64url")}", { id: "${id.toString("base64url")}", publicKey: new Uint8Array(Buffer.from("${cose}", "hex")), counter: 0, userId: "ada" }]])`;
    const replacements = { "new Map<string, WebAuthnCredential & { userId: string }>()": stored };
    await using server = await startLogin("passkeys", { replacements, host: "localhost" });
    await using opened = await openPage();
    const { page } = opened;
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const options = {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
    } as const;
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
    });
    const add = (key: Buffer, credentialId: Buffer) =>
      devtools.send("WebAuthn.addCredential", {
        authenticatorId,
        credential: {
          ...{ credentialId: credentialId.toString("base64"), isResidentCredential: true, rpId: "localhost" },
          ...{ privateKey: key.toString("base64"), userHandle: Buffer.from("1").toString("base64"), signCount: 0 },
        },
      });
    await add(
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "der" }),
      id,
    );
    await page.goto(server.authorizeUrl());
    const refused = page.waitForResponse(`${server.issuer}/passkey`);
    await page.getByRole("button").click();
    expect((await refused).status()).toBe(400);

    await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
    await add(privateKey.export({ type: "pkcs8", format: "der" }), id);
    await page.getByRole("button").click();
    await page.waitForURL(`${server.redirectUri}?**`);
    expect(await server.personAt(page.url())).toMatchObject({ sub: "ada" });
  });
});

describe("the guide to LDAP", () => {
  testWith({ program: "test/logins, or slapd,", found: hasLogins && hasSlapd, required })(
    "signs in whose password the directory accepts, and nobody else",
    async () => {
      await using directory = await startSlapd("correct horse");
      await using server = await startLogin("ldap", { env: { LDAP_URL: directory.url } });
      const visitor = openWebBrowser();
      const form = await visitor.open(server.authorizeUrl());
      const page = { ...form, text: form.text.replace("<form", `<form action="${form.url.replaceAll("&", "&amp;")}"`) };
      const submit = (name: string, password: string) =>
        visitor.submit(page, { name, password }, { until: server.redirectUri });
      for (const [name, password] of [
        ["ada", "wrong"],
        ["ada", ""],
        ["nobody", "correct horse"],
        ["ada,ou=people", "correct horse"],
      ] as const)
        expect(await submit(name, password)).toMatchObject({ status: 401 });
      const { url } = await submit("ada", "correct horse");
      expect(await server.personAt(url)).toMatchObject({
        sub: expect.stringMatching(/^[\da-f-]{36}$/),
        email: "ada@example.org",
      });
    },
  );
});

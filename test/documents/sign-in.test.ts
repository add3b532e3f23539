import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { guarded } from "../support/children.ts";
import { mintmark } from "../support/command.ts";
import { compile, ISSUER, programFolder } from "../support/document-code.ts";
import { blockOf } from "../support/guide.ts";
import { CHALLENGE, VERIFIER } from "../support/people.ts";
import { freePort, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";
import { openWebBrowser } from "../support/web-browser.ts";

const GUIDE = "docs/guides/sign-in.md";
const REDIRECT_URI = "http://127.0.0.1:9/done";

type Started = { child: ChildProcessByStdio<null, Readable, null>; stop(): Promise<void> };

const running: Started[] = [];
afterEach(async () => {
  for (const { stop } of running.splice(0)) await stop();
});

/** Starts a program of a guide. */
function start(file: string, env: Record<string, string> = {}): Started {
  const options = { cwd: dirname(file), env: { PATH: process.env.PATH, ...env } };
  const child = guarded(spawn(process.execPath, [compile(file)], { ...options, stdio: ["ignore", "pipe", "inherit"] }));
  const ended = once(child, "exit");
  const started = {
    child,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
  running.push(started);
  return started;
}

type Registered = { clientId: string; clientSecret?: string | undefined };

async function addSite(url: string, more: { backchannelLogoutUri?: string } = {}): Promise<Registered> {
  const fields = { name: "site", permissions: [], redirectUris: [REDIRECT_URI], firstParty: true, ...more };
  return createTokenClient({ url }).clients.create.mutate(fields);
}

function authorizeUrl(issuer: string, { clientId }: Registered): string {
  const query = {
    ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: "code", scope: "openid email" },
    ...{ code_challenge: CHALLENGE, code_challenge_method: "S256" },
  };
  return `${issuer}/oauth/authorize?${new URLSearchParams(query)}`;
}

/** The access token for the code in a URL. */
async function tokenAt(url: string, issuer: string, { clientId, clientSecret }: Registered): Promise<string> {
  const code = new URL(url).searchParams.get("code") ?? "";
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  const options = { method: "POST", headers: { authorization }, body: new URLSearchParams(form) };
  const answer = (await (await fetch(`${issuer}/oauth/token`, options)).json()) as { access_token: string };
  return answer.access_token;
}

const ofAda = (host: string) => openWebBrowser({ cookies: { [host]: { user: "ada" } } });

describe("the guide to sign-in", () => {
  it("has a hook whose claims reach a procedure of a service", async () => {
    using folder = programFolder();
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const id = { "https://id.example": issuer };
    folder.putBlock(GUIDE, "claims.ts");
    folder.putBlock(GUIDE, "orders.ts", id);
    const replaced = { ...id, "open: false": "open: true", "(service, {": `(service, { port: ${port},` };
    start(folder.putBlock(GUIDE, "server.ts", replaced));
    const isUp = () =>
      fetch(`${issuer}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(isUp, { timeout: 20_000 }).toBe(true);
    const site = await addSite(issuer);
    const url = authorizeUrl(issuer, site);
    const stranger = await openWebBrowser().open(url, { until: `${issuer}/login` });
    expect(new URL(stranger.url).searchParams.get("return_to")).toContain(`${issuer}/oauth/continue?handle=`);
    const back = await ofAda(new URL(issuer).host).open(url, { until: REDIRECT_URI });
    const token = await tokenAt(back.url, issuer, site);
    const call = folder.put(
      GUIDE,
      "call.ts",
      `import { router } from "./orders.ts";
const caller = router.createCaller({ headers: new Headers({ authorization: "Bearer " + process.env.TOKEN }) });
for (;;) {
  const role = await caller.role().catch(({ cause }) => cause.reason);
  if (role !== "verifier_stale") { console.log(role); process.exit(); }
  await new Promise((resolve) => setTimeout(resolve, 20));
}`,
    );
    const { child } = start(call, { TOKEN: token });
    expect(await text(child.stdout)).toBe("writer\n");
  });

  it("has a login in another process, which says who the person is, and commands that list sessions and consents", async () => {
    using folder = programFolder();
    using data = temporaryFolder();
    const [port, own] = [await freePort(), await freePort()];
    const login = `http://127.0.0.1:${port}/`;
    await using issuer = await startServer({
      MINTMARK_DATA: join(data.path, "d"),
      PORT: own,
      MINTMARK_SIGN_IN_URL: login,
    });
    const environment = { MINTMARK_DATA: join(data.path, "d") };
    const { stdout } = await mintmark(blockOf(GUIDE, "sh", "clients add login").trim().split(" ").slice(1), {
      environment,
    });
    const [, CLIENT_ID = "", CLIENT_SECRET = ""] = /^client id +(\S+)\nclient secret +(\S+)$/m.exec(stdout) ?? [];
    start(folder.putBlock(GUIDE, "login.ts", { [ISSUER]: issuer.origin, "5000": port }), { CLIENT_ID, CLIENT_SECRET });
    await expect
      .poll(
        () =>
          fetch(login, { redirect: "manual" }).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(303);
    const site = await addSite(issuer.origin);
    const stranger = await openWebBrowser().open(authorizeUrl(issuer.origin, site), { until: `${login}password` });
    expect(new URL(stranger.url).searchParams.get("handle")).toMatch(/^[\w-]{43}$/);
    const back = await ofAda(new URL(login).host).open(authorizeUrl(issuer.origin, site), { until: REDIRECT_URI });
    const token = await tokenAt(back.url, issuer.origin, site);
    expect(await createTokenClient({ url: issuer.origin }).verifyToken.mutate({ token })).toMatchObject({ sub: "ada" });
    for (const line of blockOf(GUIDE, "sh", "sessions list").trim().split("\n"))
      expect(await mintmark(line.split(" ").slice(1), { environment })).toMatchObject({ status: 0 });
  });
});

describe("the guides to devices and to logout", () => {
  it("sign a program in by a user code, and notify an application of the end of the session", async () => {
    using folder = programFolder();
    using data = temporaryFolder();
    const environment = { MINTMARK_DATA: join(data.path, "d") };
    await using issuer = await startServer(environment);
    const added = await mintmark(blockOf("docs/guides/devices.md", "sh", "clients add tv").trim().split(" ").slice(1), {
      environment,
    });
    const [, tv = ""] = /^client id +(\S+)$/m.exec(added.stdout) ?? [];
    const device = start(folder.putBlock("docs/guides/devices.md", "device.ts", { [ISSUER]: issuer.origin }), {
      CLIENT_ID: tv,
    });
    const printed = text(device.child.stdout);
    const [first] = await once(device.child.stdout, "data");
    const [, address = "", code = ""] = /^Open (\S+) and enter (\S+)$/m.exec(String(first)) ?? [];
    const visitor = openWebBrowser();
    const asked = await visitor.submit(await visitor.open(address), { user_code: code });
    await visitor.submit(await visitor.submit(asked, { subject: "ada" }), { decision: "allow" });

    expect(await printed).toContain("Hello, ada\n");

    const port = await freePort();
    const site = await addSite(issuer.origin, { backchannelLogoutUri: `http://127.0.0.1:${port}/logout` });
    const names = { "https://id.example": issuer.origin, "8080": port };
    const shown = { "sessions.delete(payload.sid)": "console.log(payload.sub, payload.sid)" };
    const notified = start(folder.putBlock("docs/guides/logout.md", "logout.ts", { ...names, ...shown }), {
      CLIENT_ID: site.clientId,
    });
    await expect
      .poll(() =>
        fetch(`http://127.0.0.1:${port}`, { method: "POST" }).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(400);
    const back = await visitor.open(authorizeUrl(issuer.origin, site), { until: REDIRECT_URI });
    await tokenAt(back.url, issuer.origin, site);
    const { sessions } = createTokenClient({ url: issuer.origin });
    const {
      sessions: [session],
    } = await sessions.list.query({ subject: "ada" });
    await sessions.revoke.mutate({ sid: session?.sid ?? "" });
    const [line] = await once(notified.child.stdout, "data");
    expect(String(line)).toBe(`ada ${session?.sid}\n`);
  }, 30_000);
});

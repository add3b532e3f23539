import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { guarded } from "../support/children.ts";
import { mintmark } from "../support/command.ts";
import { compile, ISSUER, programFolder } from "../support/document-code.ts";
import { blockOf, replaceAll } from "../support/guide.ts";
import { freePort, type StartedServer, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";
import { openWebBrowser } from "../support/web-browser.ts";

const SITE = "http://127.0.0.1:4000";
const data = temporaryFolder();
const environment = { MINTMARK_DATA: join(data.path, "data") };
let issuer: StartedServer;
beforeAll(async () => {
  // The shortest lifetime, so that the programs refresh.
  issuer = await startServer({ ...environment, MINTMARK_TTL: "1" });
});
afterAll(async () => {
  await issuer.stop("SIGKILL");
  data[Symbol.dispose]();
});

type Folder = ReturnType<typeof programFolder>;

/** Puts the program of a guide that listens on `port`, and returns its file. */
const PROGRAMS: Record<string, (folder: Folder, port: string) => string> = {
  "docs/guides/relying-party.md": (folder, port) =>
    folder.putBlock("docs/guides/relying-party.md", "site.ts", { "4000": port }),
  "docs/guides/nextjs.md": (folder, port) => {
    const guide = "docs/guides/nextjs.md";
    folder.putBlock(guide, "app/auth.ts");
    folder.putBlock(guide, "app/oidc.ts");
    for (const name of ["login", "callback", "me", "logout"]) folder.putBlock(guide, `app/${name}/route.ts`);
    return folder.put(
      guide,
      "serve.ts",
      `import { serve } from "@hono/node-server";
import * as login from "./app/login/route";
import * as callback from "./app/callback/route";
import * as me from "./app/me/route";
import * as logout from "./app/logout/route";
const routes: Record<string, (request: Request) => Promise<Response>> = {
  "GET /login": login.GET, "GET /callback": callback.GET, "GET /me": me.GET, "POST /logout": logout.POST,
};
const fetch = (request: Request) => routes[request.method + " " + new URL(request.url).pathname]?.(request) ?? new Response("home");
serve({ fetch, port: ${port}, hostname: "127.0.0.1" });`,
    );
  },
};

describe.each(Object.keys(PROGRAMS))("the site in %s", (guide) => {
  it("signs a person in, refreshes, and notices a logout, here and elsewhere", async () => {
    using folder = programFolder();
    const port = await freePort();
    const site = `http://127.0.0.1:${port}`;
    const [line = ""] = /^npx mintmark .*$/m.exec(blockOf(guide, "sh", "--first-party")) ?? [];
    const [, , ...words] = replaceAll(line, { [SITE]: site, [ISSUER]: issuer.origin }).split(" ");
    const { stdout } = await mintmark(words);
    const [, CLIENT_ID = "", CLIENT_SECRET = ""] = /^client id +(\S+)\nclient secret +(\S+)$/m.exec(stdout) ?? [];
    const file = PROGRAMS[guide]?.(folder, port) ?? "";
    const SESSION_KEY = Buffer.alloc(32, 7).toString("base64url");
    const env = { PATH: process.env.PATH, ISSUER: issuer.origin, ORIGIN: site, CLIENT_ID, CLIENT_SECRET, SESSION_KEY };
    const program = guarded(
      spawn(process.execPath, [compile(file)], { cwd: dirname(file), env, stdio: ["ignore", "ignore", "inherit"] }),
    );
    const ended = once(program, "exit");
    try {
      const visitor = openWebBrowser();
      const me = () => visitor.open(`${site}/me`);
      const statusOf = () =>
        me().then(
          ({ status }) => status,
          () => undefined,
        );
      await expect.poll(statusOf, { timeout: 20_000 }).toBe(401);

      const signIn = async () => visitor.submit(await visitor.open(`${site}/login`), { subject: "ada" });
      expect(await signIn()).toMatchObject({
        url: `${site}/me`,
        status: 200,
        text: expect.stringContaining("Hello, ada"),
      });

      const calls = createTokenClient({ url: issuer.origin });
      const grants = () => calls.grants.list.query({ subject: "ada" }).then((page) => JSON.stringify(page.grants));
      const before = await grants();
      await expect
        .poll(async () => [await statusOf(), (await grants()) !== before], { timeout: 5000 })
        .toEqual([200, true]);

      const { sessions } = await calls.sessions.list.query({ subject: "ada" });
      await calls.sessions.revoke.mutate({ sid: sessions[0]?.sid ?? "" });
      await expect.poll(statusOf, { timeout: 5000 }).toBe(401);

      expect(await signIn()).toMatchObject({ status: 200, url: `${site}/me` });
      const left = await visitor.submit({ url: site, text: '<form action="/logout">' }, {});
      expect(left).toMatchObject({ status: 200, url: `${site}/` });
      expect(await statusOf()).toBe(401);
      expect((await visitor.open(`${site}/login`)).url).toContain(issuer.origin);
      expect((await calls.sessions.list.query({ subject: "ada" })).sessions).toEqual([]);
    } finally {
      program.kill("SIGKILL");
      await ended;
    }
  });
});

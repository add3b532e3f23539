import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { guarded } from "../support/children.ts";
import { compile, hasExtra, ISSUER, programFolder } from "../support/document-code.ts";
import { newClient, openIssuer, openPerson, post, REDIRECT_URI } from "../support/mcp-issuer.ts";
import { loadPrograms } from "../support/mcp-programs.ts";
import { testWith } from "../support/optional.ts";
import { freePort } from "../support/process.ts";

const { MINTMARK_TEST_MCP: mcp, MINTMARK_TEST_LOGINS: logins } = process.env;
const it = testWith({ program: "test/mcp", found: hasExtra("mcp"), required: mcp === "required" });

// The client 2.x warns of every refresh token that is refused.
beforeAll(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterAll(() => vi.restoreAllMocks());

const GUIDE = "docs/mcp.md";
const METADATA = "/.well-known/oauth-protected-resource/mcp";

type Program = { document?: string; name: string; replacements: Record<string, string>; env?: Record<string, string> };

/** Starts a program of a document, beside the tools of the guide, and waits until it publishes its metadata. */
async function start({ document = GUIDE, name, replacements, env = {} }: Program, resource: string) {
  const folder = programFolder();
  folder.putBlock(GUIDE, "notes.ts");
  const file = folder.putBlock(document, name, replacements);
  const options = { cwd: dirname(file), env: { PATH: process.env.PATH, ...env } };
  const child = guarded(
    spawn(process.execPath, [compile(file)], { ...options, stdio: ["ignore", "ignore", "inherit"] }),
  );
  const ended = once(child, "exit");
  const isUp = () =>
    fetch(new URL(METADATA, resource)).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isUp, { timeout: 20_000 }).toBe(true);
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

describe.each([
  ["README.md", "mcp.ts"],
  [GUIDE, "server.ts"],
])("the server in %s", (document, name) => {
  it("says where to get a token, and refuses it once it is revoked", async () => {
    await using issuer = await openIssuer();
    const port = await freePort();
    const resource = `http://127.0.0.1:${port}/mcp`;
    const replacements = { [ISSUER]: issuer.url, "4000": port };
    await using _program = await start({ document, name, replacements }, resource);
    const challenge = expect.stringContaining(`resource_metadata="http://127.0.0.1:${port}${METADATA}"`);
    expect(await post(resource, {})).toMatchObject({ status: 401, challenge });
    const token = await issuer.tokenFor(resource, "notes:read");
    await expect.poll(async () => (await post(resource, { token, tool: "list" })).status).toBe(200);
    await issuer.service.revokeToken(localCaller, token);
    await expect.poll(async () => (await post(resource, { token })).status, { interval: 1 }).toBe(401);
  });
});

testWith({
  program: "test/mcp, or test/logins,",
  found: hasExtra("mcp") && hasExtra("logins"),
  required: mcp === "required" && logins === "required",
})("the product in the guide signs its users in to MCP clients, and disconnects them", async () => {
  const { clients } = await loadPrograms();
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const resource = `${issuer}/mcp`;
  const env = { BETTER_AUTH_SECRET: randomBytes(32).toString("hex") };
  await using _program = await start({ name: "product.ts", replacements: { "3000": port }, env }, resource);
  const headers = { origin: issuer, "content-type": "application/json" };
  const body = JSON.stringify({ name: "Ada", email: "ada@example.org", password: "correct horse battery" });
  const account = await fetch(`${issuer}/api/auth/sign-up/email`, { method: "POST", headers, body });
  const { user } = (await account.json()) as { user: { id: string } };
  const cookies = account.headers.getSetCookie().map((cookie) => /^([^=]+)=([^;]*)/.exec(cookie)?.slice(1) ?? []);
  const person = openPerson("nobody", { [`127.0.0.1:${port}`]: Object.fromEntries(cookies) });

  const calls = createTokenClient({ url: issuer });
  const scopes = { "notes:read": "Read your notes", "notes:write": "Change your notes" };
  await calls.resources.create.mutate({ audience: resource, name: "Notes", scopes, open: true });
  const { clientId } = await calls.clients.create.mutate(newClient(resource));
  const client = clients["2.x"]?.(resource, { issuer, clientId, redirectUri: REDIRECT_URI });
  expect(await client?.call("list")).toBeUndefined();
  expect(client && (await person.finish(client))).toContain("Read your notes");
  expect(await client?.call("list")).toContain(`The notes of ${user.id}`);

  await calls.consents.revoke.mutate({ subject: user.id, clientId });
  await expect.poll(() => client?.call("list"), { interval: 1 }).toBeUndefined();
  await client?.close();
});

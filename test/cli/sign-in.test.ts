import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/time.ts";
import { guarded } from "../support/children.ts";
import { COMMAND, mintmark } from "../support/command.ts";
import { addWebClient } from "../support/people.ts";
import { openServer } from "../support/service.ts";

/** A service at which ada is signed in, and a client for programs on this machine. */
async function openSignIn() {
  const server = await openServer(
    { clock: systemClock, issuer: undefined as never },
    { signIn: async () => ({ subject: "ada" }) },
  );
  const redirectUris = ["http://127.0.0.1/callback"];
  const { clientId } = await addWebClient(server.service, { authMethod: "none", redirectUris });
  return { ...server, clientId };
}

describe("mintmark sign-in", () => {
  it("prints the access token of the person who signed in by a browser", async () => {
    await using opened = await openSignIn();
    const { service, url, clientId } = opened;
    const words = ["sign-in", "--client", clientId, "--url", url, "--scope", "openid orders:read"];
    const child = guarded(spawn(process.execPath, [COMMAND, ...words], { env: { PATH: process.env.PATH } }));
    const printed = text(child.stdout);
    const [first] = await once(child.stderr, "data");
    const [address = ""] = /http\S+/.exec(String(first)) ?? [];
    // A browser in short: the page is answered by the decision that its form would send.
    const asked = await fetch(address, { redirect: "manual" });
    const page = await asked.text();
    const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? "";
    const cookie = asked.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    const body = new URLSearchParams({ handle: field("handle"), token: field("token"), decision: "allow" });
    const headers = { cookie, origin: url, "sec-fetch-site": "same-origin" };
    const decided = await fetch(`${url}/oauth/continue`, { method: "POST", body, headers, redirect: "manual" });
    const answer = await fetch(decided.headers.get("location") ?? "");
    expect(await answer.text()).toContain("You are signed in");
    const token = (await printed).trim();
    expect(decodeJwt(token)).toMatchObject({ sub: "ada", client_id: clientId, scope: "openid orders:read" });
    expect(await service.verifyToken({ token })).toMatchObject({ sub: "ada" });
    expect(child.exitCode ?? (await once(child, "exit"))[0]).toBe(0);
  });

  it("fails at once for a client that the service does not know", async () => {
    await using opened = await openSignIn();
    const { status, stderr } = await mintmark(["sign-in", "--client", "nobody", "--url", opened.url]);
    expect(status).toBe(1);
    expect(stderr).toContain("The service knows no such client");
  });

  it.each([
    ["where there is no service", ["--url", "http://127.0.0.1:9"], "The sign-in failed"],
    ["for a URL with a password", ["--url", "http://a:b@127.0.0.1:9"], "--url must have no password"],
  ])("fails in one line %s", async (_name, words, message) => {
    const { status, stderr } = await mintmark(["sign-in", "--client", "x", ...words]);
    expect({ status, lines: stderr.trim().split("\n").length }).toEqual({ status: 1, lines: 1 });
    expect(stderr).toContain(message);
  });
});

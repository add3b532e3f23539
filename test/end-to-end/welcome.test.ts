import { spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { welcome } from "../../src/program/welcome.ts";
import { mintmark } from "../support/command.ts";
import { testWith } from "../support/optional.ts";
import { startServer } from "../support/process.ts";
import { send } from "../support/request.ts";
import { temporaryFolder } from "../support/service.ts";

const URL_SHOWN = "https://tokens.example";

/** The greeting without its first line, which programs parse. */
function next(origin: string, config: Partial<Parameters<typeof welcome>[1]> = {}): string[] {
  const greeting = welcome(origin, { issuer: undefined, access: "open", adminSecret: undefined, ...config });
  const [first, ...lines] = greeting.trimEnd().split("\n");
  expect(first).toBe(`Mintmark listening on ${origin}`);
  return lines.filter(Boolean).map((line) => line.trim());
}

describe("the greeting", () => {
  it.each<[string, string]>([
    ["http://127.0.0.1:3000", "curl -s http://127.0.0.1:3000/trpc/getToken"],
    ["http://[::1]:3000", "curl -s 'http://[::1]:3000/trpc/getToken'"],
    ["http://0.0.0.0:3000", "curl -s http://127.0.0.1:3000/trpc/getToken"],
    ["http://[::]:3000", "curl -s 'http://[::1]:3000/trpc/getToken'"],
  ])("shows an address that can be opened where it listens on %s", (origin, call) => {
    expect(next(origin)).toEqual([
      `Open  ${call.split(" ")[2]?.replaceAll("'", "").replace("trpc/getToken", "")}`,
      `Try   ${call}`,
    ]);
  });

  it.each(["http://0.0.0.0:3000", "http://[::]:3000", "http://127.0.0.1:3000"])(
    "shows the issuer where that is another URL than %s",
    (origin) => {
      for (const issuer of [URL_SHOWN, `${URL_SHOWN}/`])
        expect(next(origin, { issuer })).toEqual([`Open  ${URL_SHOWN}/`, `Try   curl -s ${URL_SHOWN}/trpc/getToken`]);
    },
  );

  it("says how to add a client where callers must authenticate", () => {
    expect(next("http://0.0.0.0:3000", { issuer: URL_SHOWN, access: "clients" })).toEqual([
      `Open  ${URL_SHOWN}/`,
      "Add   npx mintmark clients add NAME --permissions issue",
      `Try   curl -s -u CLIENT_ID ${URL_SHOWN}/trpc/getToken`,
    ]);
    expect(next("http://0.0.0.0:3000", { issuer: URL_SHOWN, access: "clients", adminSecret: "secret" })).toEqual([
      `Open  ${URL_SHOWN}/`,
      `Try   curl -s -u admin ${URL_SHOWN}/trpc/getToken`,
    ]);
  });
});

describe("the commands of the greeting work", () => {
  const curl = spawnSync("curl", ["--version"]).status === 0;
  const test = testWith({ program: "curl", found: curl, required: false });
  const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
  const admin = { MINTMARK_ADMIN_SECRET: "s".repeat(43) };

  /** Runs the command after `Try`. Appends a secret to the id of the client: curl would prompt for it. */
  const attempt = (line: string, clientId: string, secret: string) =>
    spawnSync(
      "sh",
      ["-c", line.replace(`-u ${clientId === "admin" ? "admin" : "CLIENT_ID"}`, `-u ${clientId}:${secret}`)],
      {
        encoding: "utf8",
      },
    ).stdout;

  for (const [name, environment] of Object.entries<Record<string, string>>({
    "access is open": {},
    "callers must be known": { MINTMARK_ACCESS: "clients" },
    "there is an administrator": { MINTMARK_ACCESS: "clients", ...admin },
    ...(hasIpv6 && { "it listens on IPv6": { HOST: "::1" } }),
  }))
    test(`where ${name}`, async () => {
      using folder = temporaryFolder();
      const all = { MINTMARK_DATA: join(folder.path, "data"), PORT: "0", ...environment };
      await using server = await startServer(all);
      const of = (word: string) => server.stdout().match(new RegExp(`^  ${word} +(.*)$`, "m"))?.[1] ?? "";
      expect(await send(of("Open"))).toMatchObject({ status: 200 });
      const words = of("Add").replace("NAME", "billing").split(" ").slice(2);
      const added = words.length > 0 ? await mintmark([...words, "--json"], { environment: all }) : undefined;
      const client = added && JSON.parse(added.stdout);
      const [id, secret] = client
        ? [client.clientId, client.clientSecret]
        : ["admin", environment.MINTMARK_ADMIN_SECRET ?? ""];
      expect(attempt(of("Try"), id, secret)).toContain('{"result":{"data":{"token":"eyJ');
    });
});

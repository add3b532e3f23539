import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mintmark } from "../support/command.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

const folder = temporaryFolder();
const environment = { MINTMARK_DATA: join(folder.path, "data") };
beforeAll(() => makeData(environment.MINTMARK_DATA));
afterAll(() => folder[Symbol.dispose]());

const run = (words: string[]) => mintmark(["clients", ...words], { environment });

/** Runs a command that must succeed. Returns the JSON that it prints. */
async function json(words: string[]) {
  const { status, stdout, stderr } = await run([...words, "--json"]);
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** A file with a JWK Set of new public keys. */
function keyFile(name: string, count = 1): string {
  const keys = Array.from({ length: count }, (_, at) => ({
    kid: `key-${at}`,
    ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
  }));
  const file = join(folder.path, name);
  writeFileSync(file, JSON.stringify({ keys }));
  return file;
}

const CALLBACK = "https://app.example/callback";
const SECRET = /^client id {6}\S+\nclient secret {2}[\w-]{43}\n$/;

describe("mintmark clients add", () => {
  it.each([
    [
      "a web application",
      ["web", "--redirect-uri", CALLBACK, "--first-party"],
      {
        authMethod: "client_secret_basic",
        grants: ["authorization_code", "refresh_token"],
        redirectUris: [CALLBACK],
        firstParty: true,
        clientSecret: expect.stringMatching(/^[\w-]{43}$/),
      },
    ],
    [
      "a public client",
      ["cli", "--public", "--redirect-uri", "http://127.0.0.1/callback"],
      {
        authMethod: "none",
        grants: ["authorization_code", "refresh_token"],
        redirectUris: ["http://127.0.0.1/callback"],
        permissions: [],
        secrets: [],
      },
    ],
    [
      "a device",
      ["tv", "--public", "--grants", "device_code,refresh_token"],
      { authMethod: "none", grants: ["device_code", "refresh_token"], permissions: [] },
    ],
    [
      "a client with keys at a URL",
      ["ci", "--permissions", "issue", "--jwks-uri", "https://ci.example/jwks.json"],
      {
        authMethod: "private_key_jwt",
        grants: ["client_credentials", "refresh_token"],
        jwksUri: "https://ci.example/jwks.json",
        permissions: ["issue"],
      },
    ],
    [
      "one that sends its secret in the form",
      ["post", "--permissions", "issue", "--auth-method", "client_secret_post"],
      {
        authMethod: "client_secret_post",
      },
    ],
    [
      "one with all metadata",
      [
        ...["all", "--permissions", "issue", "--grants", "refresh_token,authorization_code"],
        ...["--redirect-uri", CALLBACK, "--redirect-uri", "com.example.app:/callback"],
        ...[
          "--post-logout-redirect-uri",
          "https://app.example/",
          "--post-logout-redirect-uri",
          "https://app.example/bye",
        ],
        ...["--backchannel-logout-uri", "https://app.example/logout"],
      ],
      {
        grants: ["authorization_code", "refresh_token"],
        redirectUris: [CALLBACK, "com.example.app:/callback"],
        postLogoutRedirectUris: ["https://app.example/", "https://app.example/bye"],
        backchannelLogoutUri: "https://app.example/logout",
      },
    ],
  ])("adds %s", async (_, words, client) => {
    expect(await json(["add", ...words])).toMatchObject({ name: words[0], ...client });
  });

  it("prints the secret, or how a client without one authenticates", async () => {
    const added = async (...words: string[]) => (await run(["add", ...words])).stdout;
    expect(await added("web", "--redirect-uri", CALLBACK)).toMatch(SECRET);
    expect(await added("post", "--permissions", "issue", "--auth-method", "client_secret_post")).toMatch(SECRET);
    const withoutSecret = (how: string) => new RegExp(`^client id {6}\\S+\nauthenticates {2}${how}\n$`);
    expect(await added("cli", "--public")).toMatch(withoutSecret("by its client id alone \\(none\\)"));
    expect(await added("ci", "--permissions", "issue", "--jwks-uri", "https://ci.example/jwks.json")).toMatch(
      withoutSecret("by https://ci\\.example/jwks\\.json \\(private_key_jwt\\)"),
    );
    for (const [count, keys] of [
      [1, "its key"],
      [2, "one of its 2 keys"],
    ] as const)
      expect(await added("ci", "--permissions", "issue", "--jwks", keyFile("keys.json", count))).toMatch(
        withoutSecret(`by ${keys} \\(private_key_jwt\\)`),
      );
  });

  it.each([
    [["machine"], "required option '--permissions <list>' not specified"],
    [["ci", "--jwks-uri", "https://ci.example/jwks.json"], "required option '--permissions <list>' not specified"],
    [["x", "--public", "--auth-method", "none"], "cannot be used with option"],
    [["x", "--auth-method", "tls_client_auth"], "Allowed choices are client_secret_basic, client_secret_post, "],
    [["x", "--permissions", "issue", "--grants", "password"], "It must be of authorization_code, client_credentials, "],
    [["x", "--permissions", "issue", "--jwks", "/nowhere"], "It must be a file with a JWK Set"],
    [["x", "--permissions", "issue", "--jwks", keyFile("a.json"), "--jwks-uri", "https://a.example"], "cannot be used"],
  ])("refuses the usage %j", async (words, message) => {
    expect(await run(["add", ...words])).toEqual({ status: 2, stdout: "", stderr: expect.stringContaining(message) });
  });

  it.each([
    [["x", "--redirect-uri", "http://app.example/callback"], "redirectUris must be https"],
    [["x", "--permissions", "issue", "--jwks-uri", ""], "jwksUri must be"],
    [["x", "--permissions", "issue", "--backchannel-logout-uri", ""], "backchannelLogoutUri must be"],
    [["x", "--public", "--permissions", "issue"], "permissions cannot be given to a public client"],
    [
      ["x", "--permissions", "issue", "--grants", "authorization_code"],
      "redirectUris and the grant authorization_code",
    ],
  ])("reports what the service refuses of %j", async (words, message) => {
    expect(await run(["add", ...words])).toEqual({ status: 1, stdout: "", stderr: expect.stringContaining(message) });
  });
});

describe("mintmark clients list", () => {
  it("shows how each client authenticates", async () => {
    const { clientId } = await json(["add", "robot", "--permissions", "issue", "--jwks", keyFile("robot.json")]);
    const { stdout } = await run(["list"]);
    expect(stdout).toMatch(/^CLIENT ID +NAME +PERMISSIONS +SCOPES +AUDIENCES +METHOD +SINCE +LAST USED\n/);
    expect(stdout).toMatch(new RegExp(`\n${clientId} +robot +issue +private_key_jwt +\\S+Z +never\n`));
  });
});

describe("mintmark clients update", () => {
  it("changes metadata, and removes it", async () => {
    const { clientId } = await json(["add", "shop", "--redirect-uri", CALLBACK, "--first-party"]);
    const update = (...words: string[]) => json(["update", clientId, ...words]);
    const other = "https://shop.example/callback";
    const logout = ["--backchannel-logout-uri", "https://shop.example/out"];
    expect(
      await update("--redirect-uri", other, "--post-logout-redirect-uri", other, "--no-first-party", ...logout),
    ).toMatchObject({
      redirectUris: [other],
      postLogoutRedirectUris: [other],
      backchannelLogoutUri: "https://shop.example/out",
    });
    expect(await update("--first-party", "--post-logout-redirect-uri", "")).toMatchObject({ firstParty: true });
    const machine = await update("--redirect-uri", "", "--grants", "client_credentials", "--no-backchannel-logout-uri");
    expect(machine).toMatchObject({ grants: ["client_credentials"], firstParty: true });
    for (const removed of ["redirectUris", "postLogoutRedirectUris", "backchannelLogoutUri"])
      expect(machine).not.toHaveProperty(removed);
    expect(await update("--no-first-party")).not.toHaveProperty("firstParty");
  });

  it("replaces keys by keys, or by their URL", async () => {
    const words = ["add", "robot", "--permissions", "issue", "--jwks", keyFile("first.json")];
    const { clientId, jwks } = await json(words);
    const second = await json(["update", clientId, "--jwks", keyFile("second.json")]);
    expect(second.jwks).not.toEqual(jwks);
    const atUrl = await json(["update", clientId, "--jwks-uri", "https://ci.example/jwks.json"]);
    expect(atUrl).toMatchObject({ jwksUri: "https://ci.example/jwks.json" });
    expect(atUrl).not.toHaveProperty("jwks");
  });

  it("cannot change how a client authenticates", async () => {
    const { clientId } = await json(["add", "cli", "--public"]);
    const method = await run(["update", clientId, "--auth-method", "client_secret_basic"]);
    expect(method).toMatchObject({ status: 2, stderr: expect.stringContaining("unknown option '--auth-method'") });
    const keys = await run(["update", clientId, "--jwks", keyFile("other.json")]);
    expect(keys).toMatchObject({ status: 1, stderr: expect.stringContaining("authMethod must be private_key_jwt") });
  });
});

describe("mintmark clients", () => {
  it.each([
    ["add", "clients add web --redirect-uri https://app.example/callback --first-party"],
    ["add", "clients add cli --public --redirect-uri http://127.0.0.1/callback"],
    ["add", "clients add ci --permissions issue --jwks-uri https://ci.example/jwks.json"],
    ["update", "--redirect-uri https://app.example/callback"],
  ])("%s has an example: %s", async (command, example) => {
    expect((await run([command, "--help"])).stdout).toContain(example);
  });
});

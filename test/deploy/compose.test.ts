import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { basename, join } from "node:path";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/program/config.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { imageConfig } from "../support/dockerfile.ts";
import { ROOT, textOf } from "../support/documents.ts";
import { blockOf, replaceAll } from "../support/guide.ts";
import { readYaml } from "../support/manifests.ts";
import { hasNginx, runNginx } from "../support/nginx.ts";
import { testWith } from "../support/optional.ts";
import { openServer, temporaryFolder } from "../support/service.ts";

const GUIDE = "docs/guides/containers.md";
const SERVERS = ["mintmark-1", "mintmark-2"];

type Service = {
  image: string;
  environment: Record<string, string>;
  secrets: string[];
  depends_on: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  networks: Record<string, { ipv4_address: string }>;
  stop_grace_period: string;
  volumes: string[];
};
type Compose = { services: Record<string, Service>; secrets: Record<string, { file: string }> };

const compose = readYaml<Compose>("compose.yaml");
const service = (name: string) => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};
const servers = SERVERS.map(service);

/** Makes the secrets as the guide does, in a folder that is gone at the end of its block. */
function makeSecrets() {
  const folder = temporaryFolder();
  const script = blockOf(GUIDE, "sh", "mkdir -m 700 secrets");
  const made = spawnSync("sh", ["-e", "-c", script], { cwd: folder.path, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return {
    pathOf: (name: string) => join(folder.path, compose.secrets[name]?.file ?? ""),
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

describe("the guide to containers", () => {
  it("names files that exist", () => {
    const rows = [...textOf(GUIDE).matchAll(/^\| (`.+?`) \| /gm)].flatMap(([, cell = ""]) => cell.split(", "));
    expect(rows.length).toBeGreaterThan(5);
    for (const path of rows) expect(existsSync(join(ROOT, path.replaceAll("`", ""))), path).toBe(true);
  });
});

describe("the Compose file", () => {
  it("is of the schema of the Compose specification, and a linter finds no error", () => {
    const rules = { "service-image-require-explicit-tag": 2 } as const;
    const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
    const [result] = linter.lintFiles([join(ROOT, "compose.yaml")], false);
    const messages: { type: string; message: string }[] = result?.messages ?? [];
    expect(messages.filter(({ type }) => type === "error")).toEqual([]);
    expect(result?.errorCount).toBe(0);
  });

  it("gives both servers an environment that they take, with the secrets that the guide makes", () => {
    using secrets = makeSecrets();
    const password = readFileSync(secrets.pathOf("database-password"), "utf8").trim();
    for (const { environment, secrets: mounted } of servers) {
      const set = Object.entries(environment).map(([name, value]) => {
        if (!name.endsWith("_FILE")) return [name, value.replace(/^\$\{\w+:-(.*)\}$/, "$1")];
        expect(mounted).toContain(basename(value));
        return [name, secrets.pathOf(basename(value))];
      });
      const config = readConfig({ ...imageConfig().environment, ...Object.fromEntries(set) });
      expect(config).toMatchObject({ host: "0.0.0.0", port: 3000, access: "clients", issuer: "https://localhost" });
      expect(config.trustProxy).toEqual([service("nginx").networks.edge?.ipv4_address]);
      expect(config.databaseUrl).toBe(`postgres://mintmark:${password}@database/mintmark`);
      expect([config.kek?.length, typeof config.adminSecret]).toEqual([32, "string"]);
    }
  });

  it("starts nginx after both servers are ready, and those after the database", () => {
    const healthy = { condition: "service_healthy" };
    expect(service("nginx").depends_on).toEqual({ "mintmark-1": healthy, "mintmark-2": healthy });
    for (const { depends_on } of servers) expect(depends_on).toEqual({ database: healthy });
  });

  it("leaves servers time to stop, and runs the image of this release", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const { stop_grace_period, image } of servers) {
      expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThanOrEqual(readConfig({}).drain + 15);
      expect(image).toBe(`mintmark:${version}`);
    }
  });

  it("asks a server whether it is ready", async () => {
    const [kind, program = "", ...words] = servers[0]?.healthcheck.test ?? [];
    expect(kind).toBe("CMD");
    await using server = await openServer();
    const check = (origin: string) =>
      new Promise((resolve) => {
        const script = words.map((word) => word.replace("http://127.0.0.1:3000", origin));
        execFile(program, script, (error) => resolve(error?.code ?? 0));
      });
    expect(await check(server.url)).toBe(0);
    expect(await check(`${server.url}/nothing`)).toBe(1);
  });
});

const testNginx = testWith({
  program: "nginx",
  found: hasNginx,
  required: process.env.MINTMARK_TEST_NGINX === "required",
});

describe("nginx before the servers", () => {
  it("has every setting of the deployment guide but for names and places", () => {
    const settingsOf = (text: string) => (text.match(/^ *[a-z_]+ [^#{\n]*;$/gm) ?? []).map((line) => line.trim());
    const own = settingsOf(readFileSync(join(ROOT, "deploy/nginx.conf"), "utf8"));
    const guide = settingsOf(blockOf("docs/deployment.md", "nginx", "upstream mintmark"));
    const missing = guide.filter((setting) => !own.includes(setting));
    expect(missing.map((setting) => setting.split(" ")[0])).toEqual([
      "server",
      "listen",
      "server_name",
      "ssl_certificate",
      "ssl_certificate_key",
    ]);
  });

  testNginx("passes requests and each event of the feed on at once", async () => {
    await using server = await openServer({ open: false });
    const address = new URL(server.url).host;
    await using nginx = await runNginx((folder, port) => {
      const text = replaceAll(readFileSync(join(ROOT, "deploy/nginx.conf"), "utf8"), {
        "listen 8443": `listen 127.0.0.1:${port}`,
        "/run/secrets/tls.crt": join(folder, "fullchain.pem"),
        "/run/secrets/tls.key": join(folder, "privkey.pem"),
        "/tmp/nginx.pid": join(folder, "pid"),
        "/tmp/": `${folder}/`,
        "/dev/stdout requests": `${folder}/access.log requests`,
        ...Object.fromEntries(SERVERS.map((name) => [`${name}:3000`, address])),
      });
      const user = process.getuid?.() === 0 ? "user root;\n" : "";
      return `daemon off;\n${user}${text}`;
    });
    const follower = await addClient(server.service, { permissions: ["follow_events"] });
    const headers = { authorization: basic(follower) };
    const open = (path: string) =>
      new Promise<IncomingMessage>((resolve) => {
        get(nginx.origin + path, { ca: nginx.certificate.pem, agent: false, headers }, resolve);
      });
    expect((await open("/readyz")).resume().statusCode).toBe(200);
    const feed = await open("/trpc/events");
    expect(feed.headers["content-type"]).toBe("text/event-stream");
    const chunks = feed.setEncoding("utf8")[Symbol.asyncIterator]();
    expect((await chunks.next()).value).toContain("event: connected");
    const revoked = performance.now();
    await server.service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    let seen = "";
    while (!seen.includes("ada")) seen += (await chunks.next()).value;
    expect(performance.now() - revoked).toBeLessThan(1000);
    feed.destroy();
  });
});

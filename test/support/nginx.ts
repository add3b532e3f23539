import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guarded } from "./children.ts";
import { certify } from "./der.ts";
import { blockOf, replaceAll } from "./guide.ts";
import { freePort } from "./process.ts";
import { temporaryFolder } from "./service.ts";

/** The path of Debian. */
const PROGRAM = "/usr/sbin/nginx";
export const hasNginx = existsSync(PROGRAM);

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/**
 * Starts nginx with the configuration of the deployment guide. Replaces the addresses, the path of the certificate (self-signed,
 * for `localhost`) and, where `locations` is given, the locations. Stopped at the end of the block.
 */
export function startNginx(servers: readonly string[], locations?: string) {
  return runNginx((folder, port) => configuration({ folder, port, servers, locations }));
}

/** Starts nginx with a site on a port of 127.0.0.1. */
export function startSite(siteOf: (port: string) => string) {
  return runNginx((folder, port) => around(folder, siteOf(port)));
}

/** Starts nginx with a configuration made from a folder, which contains a certificate, and a port of 127.0.0.1. */
export async function runNginx(configure: (folder: string, port: string) => string) {
  const folder = temporaryFolder();
  const port = await freePort();
  const certificate = writeCertificate(folder.path);
  writeFileSync(join(folder.path, "nginx.conf"), configure(folder.path, port));
  const child = guarded(
    spawn(PROGRAM, ["-p", folder.path, "-e", "stderr", "-c", "nginx.conf"], {
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = once(child, "exit");
  for (let pause = 0; !existsSync(join(folder.path, "pid")); pause += 1) {
    if (child.exitCode !== null || pause > 500) throw new Error(`nginx did not start: ${said}`);
    await sleep(10);
  }
  return {
    origin: `https://localhost:${port}`,
    port,
    /** The path of the certificate, and its content. */
    certificate,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

type Configured = { folder: string; port: string; servers: readonly string[]; locations: string | undefined };

/** The configuration of nginx with the site of the guide. Uses only files below `folder`. */
function configuration({ folder, port, servers, locations }: Configured): string {
  const guide = blockOf("docs/deployment.md", "nginx", "upstream mintmark");
  const chosen = locations === undefined ? guide : guide.replace(/^ {4}location [\s\S]*/m, `${locations}}\n`);
  const site = replaceAll(chosen, {
    "server 127.0.0.1:3000;": servers.map((server) => `server ${server};`).join(" "),
    "listen 443": `listen 127.0.0.1:${port}`,
    "/etc/ssl/tokens.example": folder,
  });
  return around(folder, site);
}

/** A site, with the directives that nginx needs around it. */
function around(folder: string, site: string): string {
  const temporary = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  const main = `daemon off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n`;
  return `${user}${main}${temporary}\n${site}}\n`;
}

function writeCertificate(folder: string): { file: string; pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const base64 = certify(publicKey, privateKey, { name: "localhost" }).toString("base64");
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
  const file = join(folder, "fullchain.pem");
  writeFileSync(file, pem);
  writeFileSync(join(folder, "privkey.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  return { file, pem };
}

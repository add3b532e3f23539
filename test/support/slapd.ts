import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guarded } from "./children.ts";
import { freePort } from "./process.ts";
import { temporaryFolder } from "./service.ts";

const SLAPD = "/usr/sbin/slapd";
const SCHEMAS = ["core", "cosine", "inetorgperson"].map((name) => `/etc/ldap/schema/${name}.schema`);

/** Whether Debian's OpenLDAP is installed. */
export const hasSlapd = [SLAPD, ...SCHEMAS].every(existsSync);

/** A directory with one person, `uid=ada,ou=people,dc=example,dc=org`. */
export async function startSlapd(password: string) {
  const folder = temporaryFolder();
  const [data, config, entries] = ["data", "slapd.conf", "people.ldif"].map((name) => join(folder.path, name));
  mkdirSync(data ?? "");
  const settings = [
    ...SCHEMAS.map((path) => `include ${path}`),
    ...[
      "modulepath /usr/lib/ldap",
      "moduleload back_mdb",
      "database mdb",
      "suffix dc=example,dc=org",
      `directory ${data}`,
    ],
  ];
  writeFileSync(config ?? "", `${settings.join("\n")}\n`);
  const people = [
    "dn: dc=example,dc=org\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example",
    "dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people",
    `dn: uid=ada,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: L\nmail: ada@example.org\nuserPassword: ${password}`,
  ];
  writeFileSync(entries ?? "", `${people.join("\n\n")}\n`);
  execFileSync(SLAPD, ["-Ta", "-f", config ?? "", "-l", entries ?? ""], { stdio: "ignore" });
  const port = Number(await freePort());
  const url = `ldap://127.0.0.1:${port}`;
  // With -d it stays in the foreground.
  const child = guarded(spawn(SLAPD, ["-f", config ?? "", "-h", url, "-d", "0"], { stdio: "ignore" }));
  const ended = once(child, "exit");
  while (!(await listens(port))) await sleep(20);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const outcome = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}

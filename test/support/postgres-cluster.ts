import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Account, findPrograms, giveTo, preparePrograms } from "./postgres-programs.ts";

type NewCluster = Pick<Cluster, "folder" | "account"> & { port: string; alsoWith: readonly string[] };
export type Cluster = { folder: string; bin: string; account: Account; url: (database: string) => string };

/** Makes a cluster with the first PostgreSQL that can. */
export function createCluster({ folder, account, port, alsoWith }: NewCluster): Cluster {
  const failures: string[] = [];
  for (const programs of findPrograms(alsoWith)) {
    const bin = preparePrograms(programs, folder);
    const failure = initialize({ folder, bin, account, template: templateOf(programs.bin) });
    if (failure !== undefined) {
      failures.push(`${bin}: ${failure}`);
      continue;
    }
    const password = readFileSync(join(folder, "password"), "utf8");
    const local = { port, listen_addresses: "127.0.0.1", unix_socket_directories: "" };
    const settings = { ...local, shared_buffers: "16MB", fsync: "off" };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(folder, "data/postgresql.conf"), lines.join(""));
    return { folder, bin, account, url: (name) => `postgres://mintmark:${password}@127.0.0.1:${port}/${name}` };
  }
  throw new Error(`No PostgreSQL could make a cluster: ${failures.join("\n")}`);
}

/** Where a new cluster of these programs is stored: a copy takes a tenth of the CPU time of `initdb`. */
function templateOf(bin: string): string {
  const version = `${bin} ${statSync(join(bin, "initdb")).mtimeMs}`;
  return join(import.meta.dirname, "../../.cache", `postgres-${createHash("sha256").update(version).digest("hex")}`);
}

type NewData = Pick<Cluster, "folder" | "bin" | "account"> & { template: string };

/** What a cluster consists of. The folder beside them has links to programs, which stay those of others. */
const PARTS = ["data", "password"];

/** Puts a new cluster and its password into the folder. Returns the reason of a failure. */
function initialize({ folder, bin, account, template }: NewData): string | undefined {
  if (existsSync(template)) {
    for (const part of PARTS) cpSync(join(template, part), join(folder, part), { recursive: true });
    giveTo(account, folder, PARTS);
    return undefined;
  }
  writeFileSync(join(folder, "password"), randomBytes(16).toString("hex"));
  giveTo(account, folder, ["password"]);
  const options = ["-D", "data", "-U", "mintmark", "--pwfile=password", "-A", "scram-sha-256", "-E", "UTF8", "-N"];
  const { status, error, stderr } = spawnSync(join(bin, "initdb"), [...options, "--locale=C"], {
    ...account,
    cwd: folder,
  });
  if (status !== 0) return String(error ?? stderr);
  const draft = `${template}.${process.pid}`;
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  for (const part of PARTS) cpSync(join(folder, part), join(draft, part), { recursive: true });
  try {
    renameSync(draft, template);
  } catch {
    // Another process stored one meanwhile.
    rmSync(draft, { recursive: true });
  }
  return undefined;
}

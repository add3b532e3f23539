import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { fatalMessageOf } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

const ROOT = join(import.meta.dirname, "../..");
const MODULES = join(ROOT, "node_modules");
/** The dependencies of `libsql` besides its native package. */
const LIBSQL = ["libsql", "@neon-rs", "detect-libc"];

/** The installed packages, and the message. */
const INSTALLED: Record<string, { packages: readonly string[]; native?: string; said: RegExp }> = {
  "without optional packages": { packages: [], said: /^The package libsql is missing: npm install libsql$/ },
  "without those of a package": { packages: ["libsql"], said: /^The package @neon-rs\/load is missing: npm install / },
  "on another system": {
    packages: LIBSQL,
    said: /^The native part of libsql for this machine is missing \(MODULE_NOT_FOUND\): .* npm install {2}on this machine/,
  },
  "for another system under this one's name": {
    packages: LIBSQL,
    native: "not for this machine",
    said: /^The native part of libsql for this machine cannot be loaded \(ERR_DLOPEN_FAILED\): .* npm install {2}on this/,
  },
};

describe.each(Object.entries(INSTALLED))("a package that was installed %s", (_, { packages, native, said }) => {
  it.each([["serve"], ["keys", "list"], ["backup", "copy.db"]])(
    "says in one line what to do: mintmark %s",
    async (...words) => {
      using folder = temporaryFolder();
      install(folder.path, packages, native);
      const { status, stdout, stderr } = await run(folder.path, words);
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      const line = words[0] === "serve" ? fatalMessageOf(stderr) : /^mintmark: (.*)\n$/.exec(stderr)?.[1];
      expect(line).toMatch(said);
    },
  );
});

function install(folder: string, packages: readonly string[], native: string | undefined): void {
  cpSync(join(ROOT, "dist/bin"), join(folder, "dist/bin"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const name of packages) cpSync(join(MODULES, name), join(folder, "node_modules", name), { recursive: true });
  if (native === undefined) return;
  for (const name of readdirSync(join(MODULES, "@libsql"))) {
    const part = join(folder, "node_modules/@libsql", name);
    mkdirSync(part, { recursive: true });
    cpSync(join(MODULES, "@libsql", name, "package.json"), join(part, "package.json"));
    writeFileSync(join(part, "index.node"), native);
  }
}

async function run(folder: string, words: readonly string[]) {
  const program = join(folder, "dist/bin/mintmark.js");
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { PATH: dirname(process.execPath), PORT: "0", MINTMARK_DATA: join(folder, "data") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status, stdout, stderr };
}

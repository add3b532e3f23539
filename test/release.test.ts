import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { guarded } from "./support/children.ts";
import { temporaryFolder } from "./support/service.ts";

const ROOT = join(import.meta.dirname, "..");

const MANIFEST = {
  name: "example",
  version: "1.10.0",
  files: ["dist", "docs", "CHANGELOG.md"],
  dependencies: { jose: "^6.0.0" },
};
const JOSE = { version: "6.0.0", integrity: "sha512-AAAA" };

/** A repository of which the next version can be published. */
function repository() {
  const folder = temporaryFolder();
  const root = folder.path;
  const git = (...words: string[]) => {
    const author = ["-c", "user.name=ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
    execFileSync("git", [...author, ...words], { cwd: root, stdio: "ignore" });
  };
  const write = (name: string, content: unknown) => {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  };
  const commit = () => {
    git("add", "--all", "--force");
    git("commit", "--quiet", "--allow-empty", "--message", "change");
  };
  git("init", "--quiet", "--initial-branch", "main");
  write("package.json", MANIFEST);
  write("package-lock.json", { packages: { "": MANIFEST, "node_modules/jose": JOSE } });
  write("CHANGELOG.md", "# Changelog\n\n## [1.10.0] - 2026-01-31\n\n### Added\n\n- More.\n\n## [1.9.0] - 2026-01-01\n");
  for (const name of ["dist/index.js", "docs/keys.md", "README.md", "LICENSE"]) write(name, "");
  commit();
  git("tag", "v1.9.0");
  return { root, git, write, commit, [Symbol.dispose]: folder[Symbol.dispose] };
}

type Repository = ReturnType<typeof repository>;

const lock = (more: object, own: object = MANIFEST) => ({
  packages: { "": own, "node_modules/jose": { ...JOSE, ...more } },
});

const faults: [what: string, fault: string, make: (repository: Repository) => void][] = [
  ["another branch", "the branch is next", ({ git }) => git("switch", "--quiet", "--create", "next")],
  ["a detached head", "the branch is detached", ({ git }) => git("switch", "--quiet", "--detach")],
  ["a new file", "uncommitted: ?? notes.txt", ({ write }) => write("notes.txt", "")],
  ["a tag of the version", "1.10.0 is not later than 1.10.0", ({ git }) => git("tag", "v1.10.0")],
  ["a tag of a later version", "1.10.0 is not later than 1.11.0-rc.1", ({ git }) => git("tag", "v1.11.0-rc.1")],
  [
    "a changelog without the version",
    "write  ## [1.10.0] - YYYY-MM-DD",
    committed("CHANGELOG.md", "## [1.9.0] - 2026-01-01"),
  ],
  [
    "a section without a date",
    "write  ## [1.10.0] - YYYY-MM-DD",
    committed("CHANGELOG.md", "## [1.10.0] - Unreleased\n\n- More."),
  ],
  [
    "a section without a change",
    "the section lists no change",
    committed("CHANGELOG.md", "## [1.10.0] - 2026-01-31\n\n## [1.9.0] - 2026-01-01\n\n- Less."),
  ],
  [
    "a lock file of another version",
    "version differs: run  npm install",
    committed("package-lock.json", lock({}, { ...MANIFEST, version: "1.9.0" })),
  ],
  [
    "a lock file without a dependency",
    "dependencies differs: run  npm install",
    committed("package-lock.json", lock({}, { ...MANIFEST, dependencies: {} })),
  ],
  [
    "a dependency of a git repository",
    "node_modules/jose",
    committed("package-lock.json", lock({ resolved: "git+ssh://git@example.com/jose.git#abc" })),
  ],
  [
    "a dependency of any web server",
    "node_modules/jose",
    committed("package-lock.json", lock({ resolved: "https://example.com/jose.tgz" })),
  ],
  [
    "a dependency of a folder",
    "node_modules/jose",
    committed("package-lock.json", lock({ resolved: "../jose", link: true })),
  ],
  [
    "a dependency without integrity",
    "node_modules/jose",
    committed("package-lock.json", lock({ integrity: undefined })),
  ],
  ["a package without its documents", "absent: docs", ({ git }) => git("rm", "--quiet", "-r", "docs")],
  ["a secret file in the package", "secret: dist/.env.local", committed("dist/.env.local", "")],
  [
    "a private key in the package",
    "secret: docs/keys.md",
    committed("docs/keys.md", `-----BEGIN ${"PRIVATE"} KEY-----\nMIGH`),
  ],
];

function committed(name: string, content: unknown) {
  return ({ write, commit }: Repository) => {
    write(name, content);
    commit();
  };
}

describe.concurrent("npm run release", { timeout: 60_000 }, () => {
  it("exits with 0 where the version can be published, and says so", async () => {
    using ready = repository();
    const { status, stdout } = await run(ready.root, "--skip-tests");
    expect(stdout).toMatch(/^( {2}ok {4}.*\n){6}ready to publish\n$/);
    expect(status).toBe(0);
  });

  it.each(faults)("refuses %s: %s", async (_, fault, make) => {
    using faulty = repository();
    make(faulty);
    const { status, stdout } = await run(faulty.root, "--skip-tests");
    expect(stdout).toMatch(/^( {2}(ok {2}|FAIL) {2}.*\n){6}\d steps failed\n$/);
    const failed = stdout.split("\n").filter((line) => line.startsWith("  FAIL"));
    expect(failed.some((line) => line.endsWith(`: ${fault}`))).toBe(true);
    expect(status).toBe(1);
  });

  it("explains itself, and refuses other arguments", async () => {
    const usage = "usage: npm run release [-- --skip-tests]\n";
    expect(await run(ROOT, "--help")).toEqual({ status: 0, stdout: usage, stderr: "" });
    expect(await run(ROOT, "--publish")).toEqual({ status: 2, stdout: "", stderr: usage });
  });
});

async function run(cwd: string, ...words: string[]) {
  const program = ["--import", join(ROOT, "node_modules/tsx/dist/loader.mjs"), join(ROOT, "scripts/release.ts")];
  const child = guarded(spawn(process.execPath, [...program, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] }));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

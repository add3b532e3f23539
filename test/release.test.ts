import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Check, fastChecks } from "../scripts/release/checks.ts";
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

const lock = (more: object, own: object = {}) => ({
  packages: { "": { ...MANIFEST, ...own }, "node_modules/jose": { ...JOSE, ...more } },
});

/** Repositories with one fault for each of some checks: what is wrong, and the line that says so. */
const faulty: { faults: Record<string, string>; make: (repository: Repository) => void }[] = [
  {
    faults: {
      "a new file": "uncommitted: ?? notes.txt",
      "a tag of the version": "1.10.0 is not later than 1.10.0",
      "a changelog without the version": "write  ## [1.10.0] - YYYY-MM-DD",
      "a lock file of another version": "version differs: run  npm install",
      "a dependency of a git repository": "node_modules/jose",
      "a package without its documents": "absent: docs",
    },
    make({ git, write, commit }) {
      write("CHANGELOG.md", "## [1.9.0] - 2026-01-01");
      write("package-lock.json", lock({ resolved: "git+ssh://git@example.com/jose.git#abc" }, { version: "1.9.0" }));
      git("rm", "--quiet", "-r", "docs");
      commit();
      git("tag", "v1.10.0");
      write("notes.txt", "");
    },
  },
  {
    faults: {
      "another branch": "the branch is next",
      "a tag of a later version": "1.10.0 is not later than 1.11.0-rc.1",
      "a section without a date": "write  ## [1.10.0] - YYYY-MM-DD",
      "a lock file without a dependency": "dependencies differs: run  npm install",
      "a dependency of any web server": "node_modules/jose",
      "a secret file in the package": "secret: dist/.env.local",
    },
    make({ git, write, commit }) {
      write("CHANGELOG.md", "## [1.10.0] - Unreleased\n\n- More.");
      write("package-lock.json", lock({ resolved: "https://example.com/jose.tgz" }, { dependencies: {} }));
      write("dist/.env.local", "");
      commit();
      git("tag", "v1.11.0-rc.1");
      git("switch", "--quiet", "--create", "next");
    },
  },
  {
    faults: {
      "a detached head": "the branch is detached",
      "a section without a change": "the section lists no change",
      "a dependency of a folder": "node_modules/jose",
      "a private key in the package": "secret: docs/keys.md",
    },
    make({ git, write, commit }) {
      write("CHANGELOG.md", "## [1.10.0] - 2026-01-31\n\n## [1.9.0] - 2026-01-01\n\n- Less.");
      write("package-lock.json", lock({ resolved: "../jose", link: true }));
      write("docs/keys.md", `-----BEGIN ${"PRIVATE"} KEY-----\nMIGH`);
      commit();
      git("switch", "--quiet", "--detach");
    },
  },
];

describe.concurrent("npm run release", { timeout: 60_000 }, () => {
  it("exits with 0 where the version can be published, and says so", async () => {
    using ready = repository();
    const { status, stdout } = await run(ready.root, "--skip-tests");
    expect(stdout).toMatch(/^( {2}ok {4}.*\n){6}ready to publish\n$/);
    expect(status).toBe(0);
  });

  it("exits with 1 where a dependency has no integrity, and says which", async () => {
    using faulty = repository();
    faulty.write("package-lock.json", lock({ integrity: undefined }));
    faulty.commit();
    const { status, stdout } = await run(faulty.root, "--skip-tests");
    expect(stdout).toMatch(/^( {2}ok {4}.*\n){4} {2}FAIL {2}.*: node_modules\/jose\n {2}ok {4}.*\n1 steps failed\n$/);
    expect(status).toBe(1);
  });

  it("explains itself, and refuses other arguments", async () => {
    const usage = "usage: npm run release [-- --skip-tests]\n";
    expect(await run(ROOT, "--help")).toEqual({ status: 0, stdout: usage, stderr: "" });
    expect(await run(ROOT, "--publish")).toEqual({ status: 2, stdout: "", stderr: usage });
  });
});

describe("the checks of npm run release", () => {
  it.each(faulty.map(({ faults, make }) => [Object.keys(faults).join(", "), faults, make] as const))(
    "refuse %s",
    (_, faults, make) => {
      using faulty = repository();
      make(faulty);
      const said = Object.values(fastChecks(faulty.root)).map(faultOf);
      expect(said).toHaveLength(6);
      expect(said.filter((fault) => fault !== undefined).toSorted()).toEqual(Object.values(faults).toSorted());
    },
  );
});

function faultOf(check: Check): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The script in one file, which starts in a third of the CPU time of `tsx`. */
const folder = temporaryFolder();
const script = join(folder.path, "release.mjs");
beforeAll(async () => {
  const entry = join(ROOT, "scripts/release.ts");
  await build({ entryPoints: [entry], outfile: script, bundle: true, platform: "node", format: "esm" });
});
afterAll(() => folder[Symbol.dispose]());

async function run(cwd: string, ...words: string[]) {
  const child = guarded(spawn(process.execPath, [script, ...words], { cwd, stdio: ["ignore", "pipe", "pipe"] }));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export type Earlier = ReturnType<typeof buildEarlier>;

/** Builds the project of a commit in a temporary folder. The end of the block removes it. */
export function buildEarlier(commit: string) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-earlier-"));
  const root = join(folder, "project");
  const git = (...words: string[]) => execFileSync("git", words, { cwd: ROOT, encoding: "utf8" }).trim();
  const name = git("log", "-1", "--format=%h %s", commit);
  git("worktree", "add", "--detach", root, commit);
  const dispose = () => {
    git("worktree", "remove", "--force", root);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const hasSamePackages = git("diff", "--name-only", commit, "--", "package-lock.json") === "";
    const run = (program: string, ...words: string[]) => execFileSync(program, words, { cwd: root, stdio: "inherit" });
    if (hasSamePackages) symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    else run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
    run(process.execPath, "--import", "tsx", "scripts/build.ts");
    if (!existsSync(join(root, "dist/bin/main.js"))) throw new Error(`${name}: has no program to run`);
  } catch (error) {
    dispose();
    throw error;
  }
  return { name, root, [Symbol.dispose]: dispose };
}

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Builds the package unless the build is newer than the sources: tests start the programs that users run. */
export function setup(): void {
  const built = join(root, "dist/index.js");
  if (existsSync(built) && statSync(built).mtimeMs > newest(join(root, "src"))) return;
  execFileSync(process.execPath, ["--import", "tsx", join(root, "scripts/build.ts")], { cwd: root, stdio: "inherit" });
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.(ts|js|html|css)$/.test(file),
  );
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}

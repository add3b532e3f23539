import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Builds the package before any test runs, so that what is started as a process is what users run, and is current. */
export function setup(): void {
  const build = join(import.meta.dirname, "../../scripts/build.ts");
  execFileSync(process.execPath, ["--import", "tsx", build], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: "inherit",
  });
}

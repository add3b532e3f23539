import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PLACES = [import.meta.dirname, join(import.meta.dirname, "peers/better-auth")];
const PYTHON = [
  "/usr/bin/python3",
  "-c",
  "import fastapi, jose; print(fastapi.__version__, jose.__version__)",
] as const;

/** The installed alternatives with their versions. */
export function versionsOfPeers(): string {
  const packages = PLACES.flatMap((place) =>
    Object.keys(read(join(place, "package.json")).dependencies ?? {}).flatMap((name) => {
      const file = join(place, "node_modules", name, "package.json");
      return existsSync(file) ? [`${name} ${read(file).version}`] : [];
    }),
  );
  return [...new Set(packages), ...pythonVersions()].join(", ");
}

function read(file: string): { version?: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, "utf8"));
}

function pythonVersions(): string[] {
  try {
    const [file, ...words] = PYTHON;
    const [fastapi, jose] = execFileSync(file, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split(
      /\s/,
    );
    return [`FastAPI ${fastapi}`, `python-jose ${jose}`];
  } catch {
    return [];
  }
}

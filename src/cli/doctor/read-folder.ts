import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What the names of the database files begin with. */
export const FILES = "mintmark.db";

const WORLD = 0o007;
const OTHERS = 0o077;
const SETGID = 0o2000;

/** The data folder and its files that other users may use: `others`, with their group unless it shares the folder. */
export function accessibleTo(who: "others" | "world", folder: string, prefix: string): string[] {
  // Windows has no such permissions.
  if (process.platform === "win32") return [];
  try {
    const isShared = (statSync(folder).mode & SETGID) !== 0;
    const bits = who === "world" || isShared ? WORLD : OTHERS;
    const files = readdirSync(folder).filter((name) => name.startsWith(prefix));
    const paths = [folder, ...files.map((name) => join(folder, name))];
    return paths.filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & bits) !== 0);
  } catch {
    // Opening the data reports a folder that is missing or cannot be read.
    return [];
  }
}

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./documents.ts";
import { temporaryFolder } from "./service.ts";

/** Docker's default. */
export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child"];

/**
 * Puts the files of a stage over this machine's root, which takes the place of the base image. Where a stage changes
 * `packages`, those of this checkout lie below them, in the folder that is named by the first word.
 */
const MOUNT = `
set -e
stage="$0"; root="$0/root"; packages="$root$1"; installed="$2"; shift 2
mount -t overlay overlay -o "lowerdir=/,upperdir=$stage/files,workdir=$stage/work" "$root"
if [ -d "$stage/packages" ]; then
  mkdir -p "$packages"
  changes="upperdir=$stage/packages,workdir=$stage/packages-work"
  mount -t overlay overlay -o "redirect_dir=on,lowerdir=$installed,$changes" "$packages"
fi
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
`;

const WAYS = {
  /** A command in the stage. */
  inside: 'exec chroot "$root" "$@"',
  /** A command of this machine that reads the stage from the outside, in the folder \`root\`. */
  outside: 'cd "$root"; exec "$@"',
  /** A command in the stage with a volume, named by the first word, and else nothing to write to. */
  contained: 'mount --bind "$stage/volume" "$root$1"; shift; mount -o remount,ro "$root"; exec chroot "$root" "$@"',
};

/** What a stage of a Dockerfile adds to its base. */
export type Layer = { folder: string; files: string; packagesIn: string };

export function createLayer(folder: string): Layer {
  for (const part of ["files", "work", "root"]) mkdirSync(join(folder, part), { recursive: true });
  chmodSync(join(folder, "files"), 0o755);
  return { folder, files: join(folder, "files"), packagesIn: "" };
}

/** Lets a stage change the packages of this checkout, which stay as they are. */
export function layPackages(layer: Layer, path: string): void {
  for (const part of ["packages", "packages-work"]) mkdirSync(join(layer.folder, part));
  layer.packagesIn = path;
}

/** The words that run a command on a layer, for `unshare`. */
export function wordsFor({ folder, packagesIn }: Layer, way: keyof typeof WAYS, command: readonly string[]): string[] {
  const places = [folder, packagesIn, join(ROOT, "node_modules")];
  return [...NAMESPACES, "sh", "-c", `${MOUNT}${WAYS[way]}`, ...places, ...command];
}

/** Runs a command on a layer to its end. Throws with what it said where it fails. */
export function runOn(layer: Layer, way: keyof typeof WAYS, command: readonly string[]): SpawnSyncReturns<string> {
  const env = { PATH, HOME: "/root" };
  const ended = spawnSync("unshare", wordsFor(layer, way, command), { env, encoding: "utf8" });
  if (ended.status === 0) return ended;
  throw new Error(`${command.join(" ")} ended with ${ended.status}: ${ended.stdout}${ended.stderr}`);
}

/** Whether this machine lets this user mount and change the root. */
export function canMountLayers(): boolean {
  using folder = temporaryFolder();
  return spawnSync("unshare", wordsFor(createLayer(folder.path), "inside", ["true"])).status === 0;
}

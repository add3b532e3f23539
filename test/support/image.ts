import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { startFirstProcess } from "./container.ts";
import { imageConfig, type Step, stages } from "./dockerfile.ts";
import { ROOT } from "./documents.ts";
import { createLayer, type Layer, layPackages, PATH, runOn, wordsFor } from "./layers.ts";
import { temporaryFolder } from "./service.ts";

type Environment = Readonly<Record<string, string>>;

type BuildOptions = {
  /**
   * Whether every step is run, with the network. Otherwise the packages and the programs of this checkout, which is
   * built, take the place of what `npm ci` and `npm run build` make.
   */
  complete: boolean;
};

/** Carries out the Dockerfile, step by step. The image is gone at the end of its block. */
export function buildImage({ complete }: BuildOptions) {
  const folder = temporaryFolder();
  const context = copyContext(join(folder.path, "context"));
  const layers = new Map<string, Layer>();
  let last = createLayer(join(folder.path, "none"));
  for (const { name, steps } of stages()) {
    last = createLayer(join(folder.path, `stage-${name}`));
    layers.set(name, last);
    runSteps(steps, { layer: last, context, layers, complete });
  }
  const { volume } = imageConfig();
  execFileSync("cp", ["-a", join(last.files, volume), join(last.folder, "volume")]);
  return {
    /** Runs a command to its end in a container of its own, on the one volume. */
    run: (command: readonly string[], environment: Environment = {}) =>
      spawnSync("unshare", containerWords(last, command), { env: environmentOf(environment), encoding: "utf8" }),
    /** Starts the image's command on the volume. Killed at the end of its block. */
    start: (environment: Environment) =>
      startFirstProcess(environmentOf(environment), () => ["unshare", ...containerWords(last, imageConfig().command)]),
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

/** What `.dockerignore` lets into the build: it ignores all, and names what it does not ignore. */
export function includedPaths(): string[] {
  const lines = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
  const [first, ...rest] = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (first !== "*" || rest.some((line) => !line.startsWith("!"))) throw new Error(".dockerignore is no list of names");
  return rest.map((line) => line.slice(1));
}

/** Modes in a layer are those of the checkout: here only its owner may read it. */
function copyContext(folder: string): string {
  for (const path of includedPaths()) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  execFileSync("chmod", ["-R", "go-rwx", folder]);
  return folder;
}

type BuildState = BuildOptions & { layer: Layer; context: string; layers: ReadonlyMap<string, Layer> };

function runSteps(steps: readonly Step[], state: BuildState): void {
  let directory = "/";
  for (const step of steps) {
    if (step.do === "workdir") {
      directory = step.path;
      mkdirSync(join(state.layer.files, directory), { recursive: true });
    } else if (step.do === "copy") {
      copy(step, directory, state);
    } else {
      run(step.command, directory, state);
    }
  }
}

function run(command: string, directory: string, { layer, complete }: BuildState): void {
  const inShell = (words: string) => runOn(layer, "inside", ["env", `--chdir=${directory}`, "sh", "-c", words]);
  if (complete) {
    inShell(command);
  } else if (command.startsWith("npm ci ")) {
    layPackages(layer, join(directory, "node_modules"));
  } else {
    const [, rest] = /^npm run build && (.*)$/s.exec(command) ?? [];
    if (rest !== undefined) execFileSync("cp", ["-a", join(ROOT, "dist"), join(layer.files, directory, "dist")]);
    inShell(rest ?? command);
  }
}

/** As Docker does it: the content of a folder, and a file into a folder that ends with a slash. */
function copy(step: Step & { do: "copy" }, directory: string, { layer, context, layers }: BuildState): void {
  const target = join(layer.files, isAbsolute(step.target) ? "" : directory, step.target);
  for (const source of step.sources) {
    const to = step.target.endsWith("/") ? join(target, basename(source)) : target;
    mkdirSync(dirname(to), { recursive: true });
    const from = layers.get(step.stage ?? "");
    if (from === undefined) execFileSync("cp", ["-aT", join(context, source), to]);
    else runOn(from, "outside", ["cp", "-aT", `.${source}`, to]);
  }
}

function environmentOf(environment: Environment): Environment {
  return { PATH, ...imageConfig().environment, ...environment };
}

/** As the image's user, without rights, before a root that is read-only. */
function containerWords(layer: Layer, command: readonly string[]): string[] {
  const { user, volume, directory } = imageConfig();
  const [uid = "", gid = ""] = user.split(":");
  const identity = ["--reuid", uid, "--regid", gid, "--clear-groups", "--bounding-set=-all", "--no-new-privs"];
  return wordsFor(layer, "contained", [volume, "env", `--chdir=${directory}`, "setpriv", ...identity, ...command]);
}

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "./documents.ts";

export type Manifest = { apiVersion: string; kind: string };

export const FOLDER = "deploy/kubernetes";

/** Reads a file of YAML 1.2 as the type that its reader expects. */
export function readYaml<Type>(path: string): Type {
  return parse(readFileSync(join(ROOT, path), "utf8"), { merge: true, strict: true });
}

/** The manifests that the kustomization lists, by kind. */
export function readManifests(): Map<string, Manifest> {
  const { resources } = readYaml<{ resources: string[] }>(`${FOLDER}/kustomization.yaml`);
  const manifests = resources.map((file) => readYaml<Manifest>(`${FOLDER}/${file}`));
  return new Map(manifests.map((manifest) => [manifest.kind, manifest]));
}

/**
 * Holds manifests against the types of the Kubernetes API, and gives what the compiler says: unknown fields, missing
 * ones, values of another type or beyond a closed list.
 */
export function typeErrors(manifests: Iterable<Manifest>): string {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  // Below the project's root, so that the types are found.
  const folder = mkdtempSync(join(ROOT, ".cache/manifests-"));
  try {
    const lines = [...manifests].map(({ apiVersion, kind, ...rest }) => {
      const [group = "", version = "v1"] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
      const module = `kubernetes-types/${group.replace(/\..*/, "")}/${version}.js`;
      return `(${JSON.stringify({ apiVersion, kind, ...rest })}) satisfies import("${module}").${kind};\n`;
    });
    writeFileSync(join(folder, "manifests.ts"), `${lines.join("")}export {};\n`);
    const options = "--noEmit --ignoreConfig --strict --module nodenext --target es2023 --skipLibCheck --pretty false";
    const words = [join(ROOT, "node_modules/typescript/bin/tsc"), ...options.split(" "), join(folder, "manifests.ts")];
    return spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

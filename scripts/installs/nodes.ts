import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { compilers } from "./compilers.ts";
import { consumers } from "./consumers.ts";
import { type Group, installPlain, plainRow } from "./group.ts";
import { install, lowestPeers, peers, type Work } from "./project.ts";

/** The lowest version that the package allows, the lines with long-term support, and the latest one. */
const VERSIONS = ["20.19.0", "22", "24", "latest"];
const TYPES = ["@types/node@20", "typescript@5"];

/** Versions of Node, with and without optional dependencies. */
export async function nodes({ folder, tarball, issuer }: Work): Promise<Group> {
  const projects = { all: join(folder, "all"), light: join(folder, "light") };
  installPlain(projects.all, [tarball, ...peers()]);
  install(projects.light, [tarball, ...peers()], ["--omit=optional"]);
  const programs = VERSIONS.map((version) => {
    const own = join(folder, `node-${version}`);
    install(own, [`node@${version}`]);
    return join(own, "node_modules/node/bin/node");
  });
  const versions = programs.map((node) => ({ node, name: `Node ${versionOf(node)}` }));
  const steps = versions.map(({ node, name }) => ({
    ...named(name, consumers(projects.all, node, "all")),
    ...named(`${name}, without optional dependencies`, consumers(projects.light, node, "light")),
  }));
  const rows = versions.map(({ node, name }) => plainRow(name, [node], { project: projects.all, issuer }));
  return { rows, steps: Object.assign({}, ...steps) };
}

function versionOf(node: string): string {
  return execFileSync(node, ["--version"], { encoding: "utf8" }).trim().slice(1);
}

/** Compiled with the peers of this repository, by several resolutions of modules. */
export async function types({ folder, tarball }: Work): Promise<Group> {
  const project = join(folder, "types");
  install(project, [tarball, ...peers(), ...TYPES]);
  return { steps: compilers(project) };
}

const named = (place: string, steps: Record<string, () => Promise<string>>) =>
  Object.fromEntries(Object.entries(steps).map(([name, step]) => [`${place}: ${name}`, step]));

/** Installed and compiled with the lowest peers that the package allows. */
export async function lowest({ folder, tarball, issuer }: Work): Promise<Group> {
  const project = installPlain(join(folder, "lowest"), [tarball, ...lowestPeers(), ...TYPES]);
  const name = `npm, the lowest peers: ${lowestPeers().join(", ")}`;
  return {
    rows: [plainRow(name, [process.execPath], { project, issuer })],
    steps: named("lowest peers", { ...compilers(project), ...consumers(project, process.execPath, "all") }),
  };
}

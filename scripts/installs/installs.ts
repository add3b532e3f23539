/**
 * Packs the package, inspects it, installs it into empty projects and uses it there.
 *
 *     npm run installs                 with this Node and the latest one
 *     npm run installs -- --node 24    with this Node and another one
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "../../test/support/package.ts";
import { pack } from "../release/pack.ts";
import { createSteps, readOptions } from "../steps.ts";
import { bundlers } from "./bundlers.ts";
import { compilers, consumers, install, lowestPeers, peers } from "./consumers.ts";
import { testByJest } from "./jest.ts";
import { nextApps } from "./next.ts";
import { runtimes } from "./runtimes.ts";

const { step, conclude } = createSteps();

async function run(folder: string, version: string): Promise<void> {
  const tarball = pack(folder);
  await step("the package holds the listed files alone", async () => inspect(tarball, join(folder, "unpacked")));
  const other = join(folder, "node");
  install(other, [`node@${version}`]);
  const nodes = [process.execPath, join(other, "node_modules/node/bin/node")];
  const projects = { all: join(folder, "all"), light: join(folder, "light") };
  const types = ["@types/node@20", "typescript@5"];
  install(projects.all, [tarball, ...peers(), ...types]);
  install(projects.light, [tarball, ...peers()], ["--omit=optional"]);
  for (const [name, compile] of Object.entries(compilers(projects.all))) await step(name, compile);
  const lowest = join(folder, "lowest");
  install(lowest, [tarball, ...lowestPeers(), ...types]);
  const withLowest = { ...compilers(lowest), ...consumers(lowest, process.execPath, "all") };
  for (const [name, use] of Object.entries(withLowest))
    await step(`with the lowest peers (${lowestPeers().join(", ")}): ${name}`, use);
  await step("tested by Jest, in CommonJS", async () => testByJest(folder, tarball));
  for (const [name, use] of Object.entries({ ...bundlers(folder, tarball), ...nextApps(folder, tarball) }))
    await step(`bundled by ${name}`, use);
  for (const [name, use] of Object.entries(runtimes(projects.light))) await step(name, use);
  for (const node of nodes) {
    process.stdout.write(`Node ${execFileSync(node, ["--version"], { encoding: "utf8" })}`);
    for (const which of ["all", "light"] as const)
      for (const [name, use] of Object.entries(consumers(projects[which], node, which)))
        await step(which === "all" ? name : `without optional dependencies: ${name}`, use);
  }
}

const USAGE = "usage: npm run installs [-- --node VERSION]\n";

const { node = "latest" } = readOptions(USAGE, { node: { type: "string" }, help: { type: "boolean" } });
const folder = mkdtempSync(join(tmpdir(), "mintmark-installs-"));
try {
  await run(folder, node);
  conclude("the package can be installed and used");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "../../test/support/process.ts";
import { ROOT } from "./project.ts";

/** The entries of the package, and those that need optional dependencies. */
const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const MAIN = "mintmark";
const entries = Object.keys(exports)
  .filter((entry) => entry !== "./package.json")
  .map((entry) => entry.replace(/^\./, MAIN));
const HEAVY = [MAIN, `${MAIN}/sqlite`, `${MAIN}/postgres`];
const light = entries.filter((entry) => !HEAVY.includes(entry));

/** A deprecation of Node is an error. Some versions warn of `require` of a module as experimental. */
const FLAGS = ["--throw-deprecation", "--disable-warning=ExperimentalWarning"];

/** Uses of the package, by name. Each returns its observation, or throws. */
export function consumers(
  project: string,
  node: string,
  which: "all" | "light",
): Record<string, () => Promise<string>> {
  const wanted = which === "all" ? entries : light;
  const run = (name: string, code: string) => {
    writeFileSync(join(project, name), code);
    return execFileSync(node, [...FLAGS, name], { cwd: project, encoding: "utf8" }).trim();
  };
  const counted = `console.log(found.map((entry) => Object.keys(entry).length).join(" "));`;
  const list = JSON.stringify(wanted);
  return {
    "imports every entry": async () =>
      `exports ${run("entries.mjs", `const found = await Promise.all(${list}.map((entry) => import(entry)));${counted}`)}`,
    "requires every entry": async () =>
      `exports ${run("entries.cjs", `const found = ${list}.map(require);${counted}`)}`,
    ...(which === "all" && {
      "issues and verifies": async () => run("issue.mjs", ISSUE),
      "starts the program": () => start(project, node),
    }),
  };
}

const ISSUE = `
import { createTokenServer, createTokenService } from "mintmark";
import { createTokenClient } from "mintmark/client";
import { createVerifier } from "mintmark/verifier";
const service = await createTokenService({ issuer: "http://127.0.0.1:1" });
const server = await createTokenServer(service, { port: 0 });
const { token } = await createTokenClient({ url: server.origin }).getToken.query({ subject: "ada" });
const verifier = createVerifier({ issuer: service.issuer, audience: service.issuer, url: server.origin });
await verifier.ready;
console.log("sub", (await verifier.verify(token)).sub);
verifier.close();
await server.close();
`;

async function start(project: string, node: string): Promise<string> {
  const data = join(project, "data");
  const server = await startServer({ MINTMARK_DATA: data }, { root: join(project, "node_modules/mintmark"), node });
  const { status } = await fetch(`${server.origin}/trpc/getToken`);
  const { status: docs } = await fetch(`${server.origin}/docs`);
  const { code } = await server.stop();
  if (status !== 200 || docs !== 200 || code !== 0) throw new Error(`answers ${status} and ${docs}, exit ${code}`);
  return "answers, and exit 0";
}

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "../../test/support/process.ts";

const ROOT = join(import.meta.dirname, "../..");

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

const PEERS = ["@trpc/client", "@trpc/server", "zod"];

/** Installs packages into an empty project. */
export function install(folder: string, packages: readonly string[], words: readonly string[] = []): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true }));
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...quiet, ...words, ...packages], { cwd: folder, stdio: "inherit" });
}

/** The lowest peers that the package allows. */
export function lowestPeers(): string[] {
  const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return PEERS.map((name) => `${name}@${String(peerDependencies[name]).replace("^", "")}`);
}

/** The peers of this repository. */
export function peers(): string[] {
  return PEERS.map((name) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
    return `${name}@${version}`;
  });
}

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

const TYPED = `
import { createTokenService, type TokenRouter } from "mintmark";
import { createTokenClient } from "mintmark/client";
import { createVerifier } from "mintmark/verifier";
import { z } from "zod";
const claims = z.object({ role: z.enum(["reader", "writer"]) });
export const service = createTokenService({ claims });
export const role = async (token: string): Promise<"reader" | "writer"> => {
  const client = createTokenClient<TokenRouter<typeof claims>>({ url: "http://127.0.0.1:3000" });
  await client.getToken.query({ claims: { role: "reader" } });
  // @ts-expect-error: the claims are typed
  await client.getToken.query({ claims: { role: "emperor" } });
  return (await createVerifier({ issuer: "https://x", audience: "x", claims }).verify(token)).role;
};
`;

/** Not for CommonJS resolved by Node: tRPC has other types there, which the procedures of a module do not fit. */
const TYPED_TRPC = `
import { initTRPC } from "@trpc/server";
import { type BearerContext, trpcAuth } from "mintmark/verifier/trpc";
export const auth = trpcAuth(createVerifier({ issuer: "https://x", audience: "x", claims }));
const { procedure } = initTRPC.context<BearerContext>().create();
export const query = procedure.concat(auth.procedure).query(({ ctx }): "reader" | "writer" => ctx.auth.role);
// @ts-expect-error: the claims are typed
export const wrong = procedure.concat(auth.procedure).query(({ ctx }): "emperor" => ctx.auth.role);
`;

/** Consumers in TypeScript, by their resolution of modules and the kind of their own. */
const RESOLUTIONS = {
  "nodenext, a module": ["typed.mts", "--module", "nodenext", "--moduleResolution", "nodenext"],
  "nodenext, CommonJS": ["typed.cts", "--module", "nodenext", "--moduleResolution", "nodenext"],
  bundler: ["typed.ts", "--module", "esnext", "--moduleResolution", "bundler"],
};

/**
 * Compiles typed consumers and the declarations of the package with the compiler of this repository, and with TypeScript 5,
 * which alone resolves modules like Node 10.
 */
export function compilers(project: string): Record<string, () => Promise<string>> {
  const [own, earlier] = [ROOT, project].map((folder) => join(folder, "node_modules/typescript/bin/tsc"));
  const common = ["--noEmit", "--strict", "--target", "es2023", "--types", "node"];
  const compile = (tsc: string | undefined, file: string, words: readonly string[]) => {
    writeFileSync(join(project, file), file.endsWith(".cts") ? TYPED : TYPED + TYPED_TRPC);
    const all = [tsc ?? "", ...common, ...words, file];
    execFileSync(process.execPath, all, { cwd: project, stdio: "pipe", encoding: "utf8" });
    return "compiles";
  };
  const steps = Object.entries(RESOLUTIONS).map(([name, [file = "", ...words]]) => [
    `TypeScript (${name})`,
    async () => compile(own, file, words),
  ]);
  return {
    ...Object.fromEntries(steps),
    "TypeScript 5 (node10, CommonJS)": async () => compile(earlier, "typed.ts", NODE10),
  };
}

const NODE10 = ["--module", "commonjs", "--moduleResolution", "node10", "--esModuleInterop"];

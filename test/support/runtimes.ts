import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { guarded } from "./children.ts";
import { freePort } from "./process.ts";
import { temporaryFolder } from "./service.ts";

const ROOT = join(import.meta.dirname, "../..");

export type Runtime = "node" | "node by WebCrypto" | "node without EdDSA" | "bun" | "deno" | "workerd";

const PROGRAMS = {
  bun: ["@oven", "bin/bun"],
  deno: ["@deno", "deno"],
  workerd: ["@cloudflare", "bin/workerd"],
} as const;

/** The program of a runtime, installed by  npm ci --prefix test/runtimes  ; `undefined` where it is absent. */
export function programOf(runtime: Runtime): string | undefined {
  if (runtime !== "bun" && runtime !== "deno" && runtime !== "workerd") return process.execPath;
  // The package for this system, since the script that looks for it is not run.
  const [scope, path] = PROGRAMS[runtime];
  const packages = join(ROOT, "test/runtimes/node_modules", scope);
  if (!existsSync(packages)) return undefined;
  return readdirSync(packages)
    .map((name) => join(packages, name, path))
    .find(existsSync);
}

/** Leaves a program nothing but what every platform has. */
const WITHOUT_NODE = "data:text/javascript,delete process.getBuiltinModule;";

/** As an old platform: it rejects the names that it does not know. */
const WITHOUT_EDDSA = `${WITHOUT_NODE}
const { importKey } = SubtleCrypto.prototype;
SubtleCrypto.prototype.importKey = function (...values) {
  if (values[2].name === "Ed25519") throw new DOMException("Unrecognized name.", "NotSupportedError");
  return importKey.apply(this, values);
};`;

/** No flags, and a date before `nodejs_compat` could be without one. */
export const workerdConfig = (port: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["public", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "app.mjs")],
  compatibilityDate = "2025-01-01",
  durableObjectNamespaces = [(className = "Guard", uniqueKey = "guard")],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "GUARD", durableObjectNamespace = "Guard")]
);
`;

const COMMANDS: Record<Runtime, (folder: string, port: string) => string[]> = {
  node: (folder) => [join(folder, "app.mjs")],
  "node by WebCrypto": (folder) => ["--import", WITHOUT_NODE, join(folder, "app.mjs")],
  "node without EdDSA": (folder) => ["--import", WITHOUT_EDDSA, join(folder, "app.mjs")],
  bun: (folder) => ["run", join(folder, "app.mjs")],
  deno: (folder) => [
    "run",
    "--no-remote",
    "--no-config",
    "--allow-net=127.0.0.1",
    "--allow-env=NODE_ENV",
    join(folder, "app.mjs"),
  ],
  workerd: (folder) => ["serve", join(folder, "config.capnp")],
};

/** What is said of a token at a entry, and the failure of the verifier. */
export type Verdict = { said: string; failure?: string; cause?: string };
export type Question = { options: object; now: number; token: string; entry: "verify" | "fetch" | "hono" | "trpc" };

/** Starts `runtime/app.js`, or another program, on the built verifier, in one file as a bundler for workers makes it. */
export async function startRuntime(runtime: Runtime, app = "app") {
  const folder = temporaryFolder();
  const host = runtime.startsWith("node") ? "node" : runtime;
  await bundleApp(host, { app, outfile: join(folder.path, "app.mjs") });
  const free = await freePort();
  await writeFile(join(folder.path, "config.capnp"), workerdConfig(free));
  const words = COMMANDS[runtime](folder.path, free);
  const child = guarded(spawn(programOf(runtime) ?? runtime, words, { stdio: ["ignore", "pipe", "pipe"] }));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const ended = once(child, "exit");
  const port = () => (runtime === "workerd" ? free : /^port (\d+)$/m.exec(output)?.[1]);
  const isUp = () =>
    fetch(`http://127.0.0.1:${port()}/`, { method: "POST", body: "{}" }).then(
      () => true,
      () => false,
    );
  for (let pause = 0; port() === undefined || !(await isUp()); pause += 1) {
    if (child.exitCode !== null || pause > 500) throw new Error(`${runtime} did not start: ${output}`);
    await sleep(20);
  }
  async function post(body: object, path = "/"): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port()}${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${runtime} answers ${response.status}: ${text} ${output}`);
    return JSON.parse(text);
  }

  return {
    pid: child.pid ?? 0,
    /** Everything that it printed. */
    output: () => output,
    ask: (question: Question, path?: string) => post(question, path) as Promise<Verdict>,
    post,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

async function bundleApp(host: string, { app, outfile }: { app: string; outfile: string }): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "runtime", `${host}.js`)],
    outfile,
    bundle: true,
    minify: true,
    platform: "neutral",
    format: "esm",
    conditions: ["worker", "import"],
    mainFields: ["module", "main"],
    external: ["node:http", "node:stream/consumers"],
    alias: {
      "the-app": join(import.meta.dirname, "runtime", `${app}.js`),
      "mintmark/verifier": join(ROOT, "dist/verifier/verifier.js"),
      "mintmark/verifier/fetch": join(ROOT, "dist/verifier/middleware/fetch.js"),
      "mintmark/verifier/hono": join(ROOT, "dist/verifier/middleware/hono.js"),
      "mintmark/verifier/trpc": join(ROOT, "dist/verifier/middleware/trpc.js"),
    },
    logLevel: "error",
  });
}

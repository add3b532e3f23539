import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTokenClient } from "../../src/client/client.ts";
import { startServer } from "../../test/support/process.ts";
import { programOf } from "../../test/support/runtimes.ts";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

const VERIFY = `
import { createVerifier } from "mintmark/verifier";
import { createFetchAuth } from "mintmark/verifier/fetch";
const [issuer, token] = globalThis.Deno?.args ?? process.argv.slice(2);
for (const follow of [true, false]) {
  const verifier = createVerifier({ issuer, audience: issuer, follow });
  await verifier.ready;
  const request = new Request(issuer, { headers: { authorization: "Bearer " + token } });
  console.log("sub", (await createFetchAuth(verifier)(request)).sub);
  verifier.close();
}
`;

const WORDS = {
  bun: ["run"],
  deno: ["run", "--node-modules-dir=manual", "--no-remote", "--allow-net", "--allow-env=NODE_ENV", "--allow-read"],
};

/** The installed package in other runtimes than Node, without a bundler. Each returns its observation, or throws. */
export function runtimes(project: string): Record<string, () => Promise<string>> {
  const verifyIn = async (runtime: "bun" | "deno") => {
    const program = programOf(runtime);
    if (program === undefined) throw new Error("is absent");
    writeFileSync(join(project, "verify.mjs"), VERIFY);
    await using server = await startServer({ MINTMARK_DATA: join(project, `data-${runtime}`) });
    const { token } = await createTokenClient({ url: server.origin }).getToken.query({ subject: "ada" });
    const words = [...WORDS[runtime], "verify.mjs", server.origin, token];
    const { stdout } = await run(program, words, { cwd: project, timeout: 60_000 });
    if (stdout !== "sub ada\nsub ada\n") throw new Error(`prints ${stdout}`);
    return "verifies by the feed and by the JWK Set";
  };
  return {
    async "the tests of the verifier in workerd, Bun and Deno"() {
      execFileSync("npm", ["ci", "--prefix", "test/runtimes", "--no-audit", "--no-fund"], { cwd: ROOT, stdio: "pipe" });
      const words = ["vitest", "run", "--config", "test/vitest.config.ts", "test/end-to-end/runtimes.test.ts"];
      const env = { ...process.env, MINTMARK_TEST_RUNTIMES: "required" };
      execFileSync("npx", ["--no-install", ...words], { cwd: ROOT, env, stdio: "pipe" });
      return "pass";
    },
    "Bun, without a bundler": () => verifyIn("bun"),
    "Deno, without a bundler": () => verifyIn("deno"),
  };
}

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guarded } from "./children.ts";
import { freePort } from "./process.ts";
import { temporaryFolder } from "./service.ts";

export const hasCaddy = spawnSync("caddy", ["version"]).status === 0;

/** Starts Caddy with a configuration for a port of 127.0.0.1. Ended at the end of its block. */
export async function startCaddy(configure: (port: string) => string) {
  const folder = temporaryFolder();
  const port = await freePort();
  writeFileSync(join(folder.path, "Caddyfile"), `{\n\tadmin off\n}\n${configure(port)}`);
  const child = guarded(
    spawn("caddy", ["run", "--adapter", "caddyfile", "--config", "Caddyfile"], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path },
      stdio: ["ignore", "ignore", "pipe"],
    }),
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "exit");
  for (let pause = 0; (await fetch(`http://127.0.0.1:${port}`).catch(() => undefined)) === undefined; pause += 1) {
    if (child.exitCode !== null || pause > 500) throw new Error(`Caddy did not start: ${log}`);
    await sleep(10);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

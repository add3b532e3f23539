import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guarded } from "./children.ts";
import { freePort } from "./process.ts";

export const hasPrometheus = ["prometheus", "promtool"].every((name) => spawnSync(name, ["--version"]).status === 0);

type Sample = { metric: Record<string, string>; value: [number, string] };

type Rule = { name: string; health: string; state: string };
type Answer = { status: string; error?: string; data?: { result?: Sample[]; groups?: { rules: Rule[] }[] } };

/** Starts a real Prometheus with a configuration file; what it stores is beside it. Ended at the end of its block. */
export async function startPrometheus(folder: string, config: string) {
  const address = `127.0.0.1:${await freePort()}`;
  const storage = ["--storage.tsdb.path", join(folder, "data"), "--web.listen-address", address];
  const child = guarded(
    spawn("prometheus", ["--config.file", config, ...storage], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] }),
  );
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "exit");
  const get = async (path: string) => (await (await fetch(`http://${address}/api/v1/${path}`)).json()) as Answer;
  for (let pause = 0; !(await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok; pause += 1) {
    if (child.exitCode !== null || pause > 500) throw new Error(`Prometheus did not start: ${log}`);
    await sleep(20);
  }
  return {
    /** The answer to a query now. Throws where Prometheus refuses it. */
    async query(expression: string): Promise<Sample[]> {
      const { status, data, error } = await get(`query?${new URLSearchParams({ query: expression })}`);
      if (status !== "success") throw new Error(`${expression}: ${error}`);
      return data?.result ?? [];
    },
    /** The alert rules as they are loaded. */
    async rules(): Promise<Rule[]> {
      const { data } = await get("rules");
      return (data?.groups ?? []).flatMap(({ rules }) => rules);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

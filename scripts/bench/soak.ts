/**
 * Runs a server for long at two thirds of the most load that it takes, and says whether it stays as it is.
 *
 *     npm run soak                     20 minutes
 *     npm run soak -- --minutes 2      so many
 *
 * Tokens are verified, issued, refreshed and revoked, while verifiers that follow the server come and go. Exit status 1
 * where memory, handles, latency or the delay of the event loop grow over the last three quarters, or an answer is wrong.
 */
import { execFileSync, fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { LOAD_CORE } from "./contenders.ts";
import { machine } from "./results.ts";
import type { SoakPlan, SoakReport, Wrong } from "./soak-load.ts";
import { describeSoak, type Sample } from "./soak-report.ts";
import { startSoakServer } from "./soak-server.ts";
import { progress } from "./support.ts";

const CONNECTIONS = 32;
const FOLLOWERS = 20;
/** Seconds in which the most load is found, after some in which server and load get warm. */
const MOST = { warm: 5, seconds: 20 };
const PART = 2 / 3;
const RESULTS = join(import.meta.dirname, "results");

const USAGE = "usage: npm run soak -- [--minutes N]\n";

function readMinutes(): number | "help" | undefined {
  try {
    const { values } = parseArgs({
      options: { minutes: { type: "string", default: "20" }, help: { type: "boolean" } },
    });
    if (values.help) return "help";
    return Number(values.minutes) > 0 ? Number(values.minutes) : undefined;
  } catch {
    return undefined;
  }
}

const minutes = readMinutes();
if (minutes === undefined || minutes === "help") {
  (minutes === "help" ? process.stdout : process.stderr).write(USAGE);
  process.exit(minutes === "help" ? 0 : 2);
}

const server = await startSoakServer();
const port = Number(new URL(server.url).port);
await load({ port, connections: CONNECTIONS, seconds: MOST.warm });
const most = (await load({ port, connections: CONNECTIONS, seconds: MOST.seconds })).perSecond;
const rate = Math.round(most * PART);
progress(`at most ${most.toFixed(0)} requests a second; ${rate} for ${minutes} minutes`);

const samples: Sample[] = [];
const following = comeAndGo();
const { wrong } = await load({ port, connections: CONNECTIONS, seconds: minutes * 60, rate }, async (report) => {
  samples.push({ ...report, ...(await server.vitals()) });
  const { perSecond, p99, memory } = samples.at(-1) ?? {};
  progress(
    `${samples.length * 5} s: ${perSecond?.toFixed(0)}/s, p99 ${p99?.toFixed(1)} ms, ${((memory ?? 0) / 2 ** 20).toFixed(0)} MB`,
  );
});
const left = await following.end();
await server.stop();

const { markdown, svg, isFlat } = describeSoak(samples, { minutes, rate, most, wrong, machine, followers: left });
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, "soak.md"), markdown);
writeFileSync(join(RESULTS, "soak.svg"), svg);
process.stdout.write(markdown);
process.exit(isFlat && Object.keys(wrong).length === 0 && left.live === FOLLOWERS ? 0 : 1);

/** Runs a plan in a process of its own, on the processor for it; hears of it every few seconds. Gives the whole of it. */
async function load(
  plan: SoakPlan,
  hear: (report: SoakReport) => void = () => {},
): Promise<{ perSecond: number; wrong: Wrong }> {
  const child = fork(join(import.meta.dirname, "soak-load.ts"), { execArgv: ["--import", "tsx"] });
  execFileSync("taskset", ["-acp", LOAD_CORE, String(child.pid)], { stdio: "ignore" });
  const reports: SoakReport[] = [];
  child.on("message", (report: SoakReport) => {
    reports.push(report);
    if (!report.isLast) hear(report);
  });
  child.send(plan);
  await new Promise<void>((resolve, reject) =>
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error("the load broke off")))),
  );
  const whole = reports.filter(({ isLast }) => !isLast);
  const perSecond = whole.reduce((sum, report) => sum + report.perSecond, 0) / whole.length;
  return { perSecond, wrong: reports.at(-1)?.wrong ?? {} };
}

/** Keeps so many verifiers following; every second the oldest goes and another comes. */
function comeAndGo() {
  const create = () => createVerifier({ issuer: server.url, audience: server.url });
  const verifiers = Array.from({ length: FOLLOWERS }, create);
  let come = FOLLOWERS;
  const timer = setInterval(() => {
    verifiers.shift()?.close();
    verifiers.push(create());
    come += 1;
  }, 1000);
  return {
    async end(): Promise<{ come: number; live: number }> {
      clearInterval(timer);
      await sleep(1000);
      const live = verifiers.filter(({ state }) => state === "live").length;
      for (const verifier of verifiers) verifier.close();
      return { come, live };
    },
  };
}

/**
 * Runs a server at two thirds of its highest rate.
 *
 *     npm run soak                     20 minutes
 *     npm run soak -- --minutes 2      2 minutes
 *
 * The load verifies, issues, refreshes and revokes tokens; verifiers begin and end to follow. Exit status 1 where memory,
 * handles, latency or the delay of the event loop grow over the last three quarters, or a response is wrong.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { readOptions } from "../../test/support/script-options.ts";
import { MINTMARK, startContender } from "./contenders.ts";
import { machine } from "./results.ts";
import type { SoakPlan, SoakReport } from "./soak-load.ts";
import { describeSoak, type Sample } from "./soak-report.ts";
import { watchVitals } from "./soak-vitals.ts";
import { progress, runChild } from "./support.ts";

const CONNECTIONS = 32;
const FOLLOWERS = 20;
/** Seconds that find the highest rate, after a warm-up. */
const MOST = { warm: 5, seconds: 20 };
const PART = 2 / 3;
/** Short lifetimes, in seconds: a run of minutes includes the removal of expired data. */
const LIFETIMES = {
  MINTMARK_TTL: "60",
  MINTMARK_MAX_TTL: "60",
  MINTMARK_REFRESH_TTL: "120",
  MINTMARK_REFRESH_IDLE: "120",
};
const RESULTS = join(import.meta.dirname, "results");

const USAGE = "usage: npm run soak -- [--minutes N]\n";

const options = readOptions(USAGE, { minutes: { type: "string", default: "20" }, help: { type: "boolean" } });
const minutes = Number(options.minutes);
if (!(minutes > 0)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const server = await startContender(MINTMARK, LIFETIMES);
const { port } = server;
const url = `http://127.0.0.1:${port}`;
await load({ port, connections: CONNECTIONS, seconds: MOST.warm });
const most = (await load({ port, connections: CONNECTIONS, seconds: MOST.seconds })).perSecond;
const rate = Math.round(most * PART);
progress(`highest rate ${most.toFixed(0)} requests a second; now ${rate} for ${minutes} minutes`);

const samples: Sample[] = [];
const following = replaceFollowers();
const vitals = watchVitals(server);
const { wrong } = await load({ port, connections: CONNECTIONS, seconds: minutes * 60, rate }, (report) => {
  samples.push({ ...report, ...vitals.take() });
  const { perSecond, p99, memory } = samples.at(-1) ?? {};
  progress(
    `${samples.length * 5} s: ${perSecond?.toFixed(0)}/s, p99 ${p99?.toFixed(1)} ms, ${((memory ?? 0) / 2 ** 20).toFixed(0)} MB`,
  );
});
vitals.stop();
const left = await following.end();
await server.stop();

const { markdown, svg, isFlat } = describeSoak(samples, { minutes, rate, most, wrong, machine, followers: left });
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, "soak.md"), markdown);
writeFileSync(join(RESULTS, "soak.svg"), svg);
process.stdout.write(markdown);
process.exit(isFlat && Object.keys(wrong).length === 0 && left.live === FOLLOWERS ? 0 : 1);

/** Runs a load. Returns its rate, and its wrong responses. */
async function load(plan: SoakPlan, onReport: (report: SoakReport) => void = () => {}) {
  const reports = await runChild<SoakReport>("soak-load.ts", plan, (report) => report.isLast || onReport(report));
  const whole = reports.filter(({ isLast }) => !isLast);
  const perSecond = whole.reduce((sum, report) => sum + report.perSecond, 0) / whole.length;
  return { perSecond, wrong: reports.at(-1)?.wrong ?? {} };
}

/** Verifiers that follow the server; each second a new one replaces the oldest. */
function replaceFollowers() {
  const create = () => createVerifier({ issuer: url, audience: url });
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

import { setTimeout as sleep } from "node:timers/promises";
import { BARE, type Contender, MINTMARK, startContender } from "./contenders.ts";
import { inTables } from "./results.ts";
import { progress, quantile, type Report } from "./support.ts";
import { usageOf } from "./usage.ts";

const ROUNDS = 9;

/** Time from the start with an empty folder to the first response, and memory two seconds later. */
export async function measure(): Promise<Report> {
  const report: Report = {};
  for (const contender of [BARE, MINTMARK]) {
    const runs = [];
    for (let round = 0; round < ROUNDS; round += 1) runs.push(await startOnce(contender));
    progress(contender.name);
    const [took, memory] = [runs.map(([took]) => took), runs.map(([, memory]) => memory)];
    report[`${contender.name}: start to first answer`] =
      `${quantile(took, 0.5).toFixed(0)} ms (${quantile(took, 0).toFixed(0)} to ${quantile(took, 1).toFixed(0)})`;
    report[`${contender.name}: memory when idle`] = `${quantile(memory, 0.5).toFixed(0)} MB`;
  }
  return inTables("start", [], report);
}

async function startOnce(contender: Contender): Promise<[took: number, memory: number]> {
  const start = performance.now();
  const running = await startContender(contender);
  await (await fetch(`http://127.0.0.1:${running.port}/healthz`)).text();
  const took = performance.now() - start;
  await sleep(2000);
  const { memory } = usageOf(running.pid);
  await running.stop();
  return [took, memory / 2 ** 20];
}

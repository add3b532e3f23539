import { rmSync } from "node:fs";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Scene } from "./faults.ts";
import type { Member } from "./member.ts";
import type { Random } from "./random.ts";
import { type LogPosition, loseBytes, readPosition } from "./write-ahead-log.ts";

/** Milliseconds to wait for something to be written, in all and without hearing whether it was acknowledged. */
const PATIENCE = { all: 500, deaf: 4 };

/**
 * Ends all processes while something is being written that nobody was told is done, and damages the log behind what was
 * acknowledged, as a power cut may: only that was to be on the disk by then. What is in memory, the index of the log, is
 * gone as well. Gives false where all that was written had been acknowledged, so that nothing could be lost.
 */
export async function cutPower(member: Member, { stage, workload, random }: Scene, file: string): Promise<boolean> {
  const log = `${file}-wal`;
  await workload.pause();
  let acknowledged = readPosition(log);
  let isOff = false;
  let isLate = false;
  const unlisten = stage.books.onAcknowledged(() => {
    // What others write at this moment counts as acknowledged, too: rather too much than too little.
    if (isOff) isLate = true;
    else acknowledged = readPosition(log, acknowledged);
  });
  workload.resume();
  await sleep(random.between(0, 200));

  const victims = member.pids();
  const deadline = performance.now() + PATIENCE.all;
  while (!isWriting(log, acknowledged) && performance.now() < deadline) await turn();
  isOff = true;
  await member.kill(victims);
  // Answers that were sent before the end are still to be read.
  await workload.pause();
  unlisten();

  const canLose = !isLate && loseBehind(log, acknowledged, random);
  if (canLose) rmSync(`${file}-shm`, { force: true });
  await member.start();
  workload.resume();
  return canLose;
}

function isWriting(log: string, acknowledged: LogPosition | undefined): boolean {
  const until = performance.now() + PATIENCE.deaf;
  while (performance.now() < until) {
    const { salt, bytes } = readPosition(log, acknowledged) ?? {};
    if (salt === acknowledged?.salt && bytes !== acknowledged?.bytes) return true;
  }
  return false;
}

/** Damages what is behind a place in the log; gives false where there is nothing. */
function loseBehind(log: string, acknowledged: LogPosition | undefined, random: Random): boolean {
  const reached = readPosition(log);
  if (acknowledged === undefined || reached?.salt !== acknowledged.salt) return false;
  if (reached.bytes === acknowledged.bytes) return false;
  loseBytes(log, { from: acknowledged.bytes, to: reached.bytes, random });
  return true;
}

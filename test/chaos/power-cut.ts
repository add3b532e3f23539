import { rmSync } from "node:fs";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Random } from "../support/random.ts";
import type { Scene } from "./faults.ts";
import type { Member } from "./member.ts";
import { type LogPosition, loseBytes, readPosition } from "./write-ahead-log.ts";

/** Acts that are begun until one is caught while it is written, and the milliseconds in which nothing else is heard. */
const ATTEMPTS = 12;
const DEAF = 4;
/** Milliseconds in which all answers that have come are read. */
const UNREAD = 50;

/**
 * Ends all processes while something is being written that nobody was told is done, and damages the log behind what was
 * acknowledged, as a power cut may: only that was to be on the disk by then. What is in memory, the index of the log, is
 * gone as well. Gives false where all that was written had been acknowledged, so that nothing could be lost.
 */
export async function cutPower(member: Member, { scenario, workload, random }: Scene, file: string): Promise<boolean> {
  const log = `${file}-wal`;
  await workload.pause();
  let isLate = false;
  const unlisten = scenario.ledger.onAcknowledged(() => {
    isLate = true;
  });
  const victims = member.pids();
  let acknowledged = readPosition(log);
  let act = Promise.resolve(true);
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    isLate = false;
    acknowledged = readPosition(log, acknowledged);
    // One alone, so that what is written is its own.
    act = workload.doOne();
    if (await isCaught(act, () => isWriting(log, acknowledged))) break;
  }
  await member.killAll(victims);
  // Answers may have been sent before the end, and not read yet.
  await act;
  await sleep(UNREAD);
  unlisten();
  const canLose = !isLate && loseBehind(log, acknowledged, random);
  if (canLose) rmSync(`${file}-shm`, { force: true });
  await member.start();
  workload.resume();
  return canLose;
}

/** Resolves when an act is being written, or is done. */
async function isCaught(act: Promise<unknown>, isWriting: () => boolean): Promise<boolean> {
  let isDone = false;
  void act.then(() => {
    isDone = true;
  });
  while (!isDone) {
    if (isWriting()) return true;
    await turn();
  }
  return false;
}

function isWriting(log: string, acknowledged: LogPosition | undefined): boolean {
  const until = performance.now() + DEAF;
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

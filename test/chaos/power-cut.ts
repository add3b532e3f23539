import { rmSync } from "node:fs";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Random } from "../support/random.ts";
import type { Scene } from "./faults.ts";
import type { Member } from "./member.ts";
import { type LogPosition, loseBytes, readPosition } from "./write-ahead-log.ts";

/** Operations that are begun until one is caught while it writes, and milliseconds of busy waiting. */
const ATTEMPTS = 12;
const SPIN = 4;
/** Milliseconds to read the answers that have arrived. */
const UNREAD = 50;

/**
 * Kills all processes during a write that is not acknowledged, and damages the log behind the last acknowledged byte, as a
 * power cut may. The index of the log, which is in memory, goes too. Returns false if every write had been acknowledged.
 */
export async function cutPower(member: Member, { scenario, workload, random }: Scene, file: string): Promise<boolean> {
  const log = `${file}-wal`;
  await workload.pause();
  let isLate = false;
  const stopListening = scenario.ledger.onAcknowledged(() => {
    isLate = true;
  });
  const victims = member.pids();
  let acknowledged = readPosition(log);
  let operation = Promise.resolve(true);
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    isLate = false;
    acknowledged = readPosition(log, acknowledged);
    // Alone, so that every byte is its own.
    operation = workload.doOne();
    if (await isCaught(operation, () => isWriting(log, acknowledged))) break;
  }
  await member.killAll(victims);
  // An answer may have been sent before the kill, and not be read yet.
  await operation;
  await sleep(UNREAD);
  stopListening();
  const canLose = !isLate && loseBehind(log, acknowledged, random);
  if (canLose) rmSync(`${file}-shm`, { force: true });
  await member.start();
  workload.resume();
  return canLose;
}

/** Resolves when an operation writes, or is done. */
async function isCaught(operation: Promise<unknown>, isWriting: () => boolean): Promise<boolean> {
  let isDone = false;
  void operation.then(() => {
    isDone = true;
  });
  while (!isDone) {
    if (isWriting()) return true;
    await turn();
  }
  return false;
}

function isWriting(log: string, acknowledged: LogPosition | undefined): boolean {
  const until = performance.now() + SPIN;
  while (performance.now() < until) {
    const { salt, bytes } = readPosition(log, acknowledged) ?? {};
    if (salt === acknowledged?.salt && bytes !== acknowledged?.bytes) return true;
  }
  return false;
}

/** Damages the log behind a position; returns false if it ends there. */
function loseBehind(log: string, acknowledged: LogPosition | undefined, random: Random): boolean {
  const reached = readPosition(log);
  if (acknowledged === undefined || reached?.salt !== acknowledged.salt) return false;
  if (reached.bytes === acknowledged.bytes) return false;
  loseBytes(log, { from: acknowledged.bytes, to: reached.bytes, random });
  return true;
}

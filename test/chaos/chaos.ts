/**
 * Makes faults while operations issue, change and revoke tokens, grants, clients and keys, and people sign in, agree and
 * sign out; and compares the service with a ledger of the operations that it acknowledged.
 *
 *     npm run chaos                          1000 faults, half of them on each database: about 25 minutes
 *     npm run chaos -- --faults 100          that many
 *     npm run chaos -- --only sqlite         one server with workers on the embedded database; or postgres, two servers
 *     npm run chaos -- --seed 7              the same faults in the same order; default: a random seed
 *
 * It sets clocks where Debian's package `faketime` is installed, and fills a disk where it may mount a tmpfs (as root).
 * Exit status 1 if an acknowledged operation was lost or a promise was broken.
 */

import { createRandom } from "../support/random.ts";
import { readOptions, refuse, usageIn } from "../support/script-options.ts";
import { openPostgresCluster, openSqliteCluster } from "./cluster.ts";
import { hasFakeClocks } from "./fake-clock.ts";
import { type Outcome, run } from "./run.ts";

const CLUSTERS = { sqlite: openSqliteCluster, postgres: openPostgresCluster };

const usage = usageIn(import.meta.filename);
const values = readOptions(usage, {
  faults: { type: "string", default: "1000" },
  seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
  only: { type: "string" },
  help: { type: "boolean" },
});
const names = Object.keys(CLUSTERS).filter((name) => values.only === undefined || name === values.only);
const [faults, seed] = [Number(values.faults), Number(values.seed)];
const isSound = names.length > 0 && [faults, seed].every((number) => Number.isInteger(number) && number >= 0);
if (!isSound) refuse(usage);

// Handlers of `exit` end the processes and unmount the disk.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const report = (line: string) => void process.stderr.write(`  ${line}\n`);
if (!hasFakeClocks) report("no clock is set: faketime is not installed");
process.stdout.write(`seed ${seed}\n`);
const outcomes: Outcome[] = [];
for (const [at, name] of names.entries()) {
  const open = CLUSTERS[name as keyof typeof CLUSTERS];
  const share = Math.floor(faults / names.length) + (at === 0 ? faults % names.length : 0);
  const outcome = await run({ name, open, faults: share, random: createRandom(seed + at), report });
  outcomes.push(outcome);
  print(name, outcome);
}
process.exit(outcomes.some(({ breaches }) => breaches.length > 0) ? 1 : 0);

function print(name: string, { faults, acknowledged, oldest, breaches }: Outcome): void {
  const total = (numbers: Iterable<number>) => [...numbers].reduce((sum, number) => sum + number, 0);
  const counts = [...faults.values()].map(({ count }) => count);
  const lines = [
    `\n${name}: ${total(counts)} faults, ${total(acknowledged.values())} operations acknowledged, ${breaches.length} breaches`,
    `  ${"fault".padEnd(36)} ${"times".padStart(6)} ${"longest recovery, ms".padStart(24)}`,
    ...[...faults].map(
      ([kind, { count, longest }]) =>
        `  ${kind.padEnd(36)} ${String(count).padStart(6)} ${longest.toFixed(0).padStart(24)}`,
    ),
    `  ${"operation".padEnd(36)} ${"times".padStart(6)}`,
    ...[...acknowledged].map(([operation, count]) => `  ${operation.padEnd(36)} ${String(count).padStart(6)}`),
    `  a revoked token was accepted for at most ${oldest.follower.toFixed(0)} ms by a follower, ${oldest.server.toFixed(0)} ms by a server`,
    ...breaches.slice(0, 50).map((breach) => `  BREACH ${breach}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/**
 * Measures Mintmark. Each section prints a table as it goes; with `--json FILE` it is kept, too.
 *
 *     npm run bench                     lists the sections
 *     npm run bench -- revoke           from an acknowledged revocation to its rejection at every verifier
 *     npm run bench -- cuts             what verifiers know after a thousand cuts of their connections
 *     npm run bench -- million          a million revocations: memory, and time to be live
 *     npm run bench -- local            verification in process, beside fast-jwt and jose
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Report } from "./support.ts";

const sections: Record<string, () => Promise<{ measure(): Promise<Report> }>> = {
  revoke: () => import("./revoke.ts"),
  cuts: () => import("./cuts.ts"),
  million: () => import("./million.ts"),
  local: () => import("./local.ts"),
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
const [name = ""] = positionals;
const load = sections[name];
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(sections).join("|")} [--json FILE]\n`);
  process.exit(2);
}
const machine = `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}, Node ${process.version}`;
process.stdout.write(`${name} on ${machine}\n`);
const { measure } = await load();
const report = await measure();
for (const [what, value] of Object.entries(report)) process.stdout.write(`${what.padEnd(72)} ${value}\n`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ name, machine, report }, null, 2));

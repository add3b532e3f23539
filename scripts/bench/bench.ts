/**
 * Measures Mintmark. Each section prints a table; `--json FILE` writes it to a file, too.
 *
 *     npm run bench                     lists the sections
 *     npm run bench -- revoke           from an acknowledged revocation to its rejection by every verifier
 *     npm run bench -- logout           from a logout at one site to the refusal of the tokens of another
 *     npm run bench -- mcp              from the end of a consent to the refusal of the client at MCP servers
 *     npm run bench -- cuts             revocation data of verifiers after a thousand cuts of their connections
 *     npm run bench -- local            verification in process, beside fast-jwt and jose
 *     npm run bench -- runtimes         verification in workerd, Bun, Deno and Node, beside jose in each
 *     npm run bench -- verify           verification over HTTP, beside its alternatives
 *     npm run bench -- issue            issuance over HTTP, beside its alternatives
 *     npm run bench -- profile          where the processor time of getToken and verifyToken goes
 *     npm run bench -- oauth            the OAuth endpoints, beside the procedures and their alternatives
 *     npm run bench -- start            from the start to the first answer, and memory when idle
 *     npm run bench -- scale            a million rows, a thousand followers, two workers; a verifier of a million revocations
 *     npm run bench -- followers        ten thousand followers and a hundred revocations a second: memory, processor time, latency
 *     npm run bench -- postgres         issuance with one and two servers on PostgreSQL, and its statements
 *     npm run bench -- prune            latency while two million old audit records are deleted
 *     npm run bench -- people           a million sign-in sessions and consents, against an empty database
 *
 * The alternatives are packages of their own: run  npm ci --prefix scripts/bench  first, and for oauth
 * npm ci --prefix scripts/bench/peers/better-auth , too. For mcp, run  npm ci --prefix test/mcp .
 */
import { writeFileSync } from "node:fs";
import { readArguments, refuse, usageIn } from "../../test/support/script-options.ts";
import { machine } from "./results.ts";
import type { Report } from "./support.ts";

const sections: Record<string, () => Promise<{ measure(): Promise<Report> }>> = {
  revoke: () => import("./revoke.ts"),
  logout: () => import("./logout.ts"),
  mcp: () => import("./mcp.ts"),
  cuts: () => import("./cuts.ts"),
  local: () => import("./local.ts"),
  runtimes: () => import("./runtimes.ts"),
  verify: () => import("./verify.ts"),
  issue: () => import("./issue.ts"),
  profile: () => import("./profile.ts"),
  oauth: () => import("./oauth.ts"),
  start: () => import("./start.ts"),
  scale: () => import("./scale.ts"),
  followers: () => import("./followers.ts"),
  postgres: () => import("./postgres.ts"),
  prune: () => import("./prune.ts"),
  people: () => import("./people.ts"),
};

const usage = usageIn(import.meta.filename);
const { positionals, values } = readArguments(usage, {
  allowPositionals: true,
  options: { json: { type: "string" }, help: { type: "boolean" } },
});
const [name = ""] = positionals;
const load = sections[name] ?? refuse(usage);
process.stdout.write(`${name} on ${machine}\n`);
const { measure } = await load();
const report = await measure();
for (const [what, value] of Object.entries(report)) process.stdout.write(`${what.padEnd(72)} ${value}\n`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ name, machine, report }, null, 2));

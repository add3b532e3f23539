import { EXPRESS, FASTIFY, HONO, MINTMARK, TRPC_JOSE, TUTORIAL } from "./contenders.ts";
import { inTables } from "./results.ts";
import { measureRounds } from "./rounds.ts";
import type { Report } from "./support.ts";
import { withAll } from "./verify.ts";

/** Issuance over HTTP. Mintmark alone writes an audit record durably before it answers. */
export async function measure(): Promise<Report> {
  const rows = await withAll([MINTMARK, FASTIFY, HONO, EXPRESS, TRPC_JOSE, ...TUTORIAL], async (all) =>
    measureRounds(all.map((running) => ({ name: running.name, running, requests: [running.issue()] }))),
  );
  return inTables("issue", [{ title: "getToken (ES256, Mintmark with its audit log)", unit: "tokens", rows }]);
}

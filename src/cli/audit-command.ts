import { Command, Option } from "commander";
import type { AuditQuery, AuditRecord, NamedRecord } from "../store/audit.ts";
import { serviceCommand } from "./run.ts";
import { instant, moment, pageTable, wholeNumber } from "./text.ts";

type Options = {
  client?: string;
  action?: string;
  outcome?: AuditRecord["outcome"];
  from?: number;
  to?: number;
  before?: string;
  limit?: number;
};

const FROM = "not before this time, as 2026-11-24 or 2026-11-24T10:00:00Z; without a zone it is UTC";

export function auditCommand(): Command {
  const audit = new Command("audit")
    .description("list audit records, newest first; times are in UTC")
    .option("--client <client-id>", "only records of this client")
    .option("--action <action>", "only records of this action, such as getToken or keys.rotate")
    .addOption(new Option("--outcome <outcome>", "only records of this outcome").choices(["allowed", "refused"]))
    .option("--from <time>", FROM, instant)
    .option("--to <time>", "before this time, in the same form", instant)
    .option("--before <id>", "the next page: `next` of the page before")
    .option("--limit <number>", "most records of a page; default 100", wholeNumber)
    .addHelpText("after", "\nExample:\n  mintmark audit --outcome refused --from 2026-11-24");

  return serviceCommand<Options>(audit, async (service, { options: { client, ...rest } }) => {
    const query: Partial<AuditQuery> = { ...rest, ...(client !== undefined && { clientId: client }) };
    const page = await service.audit.list.query(query);
    const headings = ["time", "client", "name", "action", "outcome", "about"];
    return { json: page, text: pageTable(headings, page.records.map(row), page.next) };
  });
}

function row({ at, clientId = "", clientName = "", action, outcome, ...record }: NamedRecord): string[] {
  const { subject, target, fields, kid, address, count, reason } = record;
  const named = [subject && `sub ${subject}`, target, fields?.join(" "), kid && `kid ${kid}`];
  const about = [...named, address && `from ${address}`, count && `${count} times`, reason];
  return [moment(at), clientId, clientName, action, outcome, about.filter(Boolean).join(", ")];
}

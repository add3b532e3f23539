import { Command } from "commander";
import type { FoundToken } from "../service/tokens/lookups.ts";
import type { ListedGrant } from "../store/grant.ts";
import { escapeInvisible } from "../token/invisible.ts";
import { serviceCommand } from "./run.ts";
import { moment, pageTable, wholeNumber } from "./text.ts";

type GrantsOptions = { subject: string; before?: string; limit?: number };

export function findCommand(): Command {
  const find = new Command("find")
    .description("print when and to whom a token was issued, and whether it has expired or was revoked")
    .argument("<jti>", "the jti claim of the token")
    .addHelpText("after", "\nExample:\n  mintmark token find AZ60E7UAvdzh0nN0dVkJS8YN");
  return serviceCommand(find, async (client, { words: [jti = ""] }) => {
    const found = await client.tokens.find.query({ jti });
    return { json: found, text: describe(found) };
  });
}

export function grantsCommand(): Command {
  const grants = new Command("grants")
    .description("list the grants of a subject that can be refreshed, newest first; times are in UTC")
    .requiredOption("--subject <subject>", "subject of the grants")
    .option("--before <cursor>", "the next page: `next` of the page before")
    .option("--limit <number>", "most grants of a page; default 100", wholeNumber)
    .addHelpText("after", "\nExample:\n  mintmark token grants --subject ada");
  return serviceCommand<GrantsOptions>(grants, async (client, { options }) => {
    const page = await client.grants.list.query(options);
    const headings = ["sid", "client", "name", "audience", "scope", "created", "expires", "idle until"];
    return { json: page, text: pageTable(headings, page.grants.map(row), page.next) };
  });
}

function row({ sid, clientId, clientName, audience, scope, createdAt, expiresAt, idleUntil }: ListedGrant): string[] {
  const times = [createdAt, expiresAt, idleUntil].map(moment);
  return [sid, clientId, clientName ?? "", [audience].flat().join(","), scope ?? "", ...times];
}

function describe({ issued, expired, revocations }: FoundToken): string {
  const rows = [
    ...(issued === undefined ? [["issued", "no record: it is unknown, or older than the audit log"]] : rowsOf(issued)),
    ["expired", expired === undefined ? "not known" : expired ? "yes" : "no"],
    ...(revocations.length === 0 ? [["revoked", "no"]] : []),
    ...revocations.map(({ kind, at, ...by }) => {
      const who = by.clientId === undefined ? "" : ` by ${nameOf(by)}`;
      return [kind === "token" ? "revoked" : `${OF_KIND[kind]} revoked`, `${moment(at)}${who}`];
    }),
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(15)}  ${escapeInvisible(value)}`).join("\n");
}

const OF_KIND = { session: "grant", subject: "subject", client: "client", key: "key" };

function rowsOf(issued: NonNullable<FoundToken["issued"]>): string[][] {
  const { at, action, subject, kid, sid, grantId, expiresAt } = issued;
  const rows: [string, string | undefined][] = [
    ["issued", `${moment(at)} by ${action}`],
    ["client", nameOf(issued)],
    ["subject", subject],
    ["kid", kid],
    ["session", grantId === undefined ? undefined : sid],
    ["grant", grantId ?? sid],
    ["expires", moment(expiresAt)],
  ];
  return rows.map(([name, value]) => [name, value ?? ""]).filter(([, value]) => value !== "");
}

function nameOf({ clientId = "", clientName }: { clientId?: string | undefined; clientName?: string | undefined }) {
  return clientName === undefined ? clientId : `${clientId} (${clientName})`;
}

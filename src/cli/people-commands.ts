import { Command } from "commander";
import { StartError } from "../errors.ts";
import type { ListedConsent, ListedSignIn } from "../store/sign-in.ts";
import { escapeInvisible } from "../token/invisible.ts";
import { serviceCommand } from "./run.ts";
import { moment, pageTable, table, wholeNumber } from "./text.ts";

type SessionsOptions = { subject: string; before?: string; limit?: number };
type ConsentsOptions = { subject: string; client: string };

export function sessionCommands(): Command {
  const list = new Command("list")
    .description("list the sign-in sessions of a person, newest first; times are in UTC")
    .requiredOption("--subject <subject>", "who signed in")
    .option("--before <cursor>", "the next page: `next` of the page before")
    .option("--limit <number>", "most sessions of a page; default 100", wholeNumber)
    .addHelpText("after", "\nExample:\n  mintmark sessions list --subject ada");

  const revoke = new Command("revoke")
    .description("end a sign-in session, and revoke all tokens that came by it")
    .argument("<sid>", "the sid of the session, which its tokens have as a claim")
    .addHelpText("after", "\nExample:\n  mintmark sessions revoke dQw4w9WgXcQ-dQw4w9WgXg");

  return new Command("sessions")
    .description("list and end the sign-in sessions of people")
    .addCommand(
      serviceCommand<SessionsOptions>(list, async (client, { options }) => {
        const page = await client.sessions.list.query(options);
        const headings = ["sid", "signed in", "since", "expires"];
        return { json: page, text: pageTable(headings, page.sessions.map(sessionRow), page.next) };
      }),
    )
    .addCommand(
      serviceCommand(revoke, async (client, { words: [sid = ""] }) => {
        const revoked = await client.sessions.revoke.mutate({ sid });
        if (revoked.unknownSession)
          throw new StartError(
            `there is no session ${sid}: tokens that a lost session of this sid covered are revoked`,
          );
        return { json: revoked, text: `ended ${sid}, and revoked all tokens that came by it` };
      }),
    );
}

export function consentCommands(): Command {
  const list = new Command("list")
    .description("list what a person agreed to, newest first; times are in UTC")
    .requiredOption("--subject <subject>", "who agreed")
    .addHelpText("after", "\nExample:\n  mintmark consents list --subject ada");

  const revoke = new Command("revoke")
    .description("remove the consents of a person for a client, and revoke its grants and their tokens")
    .requiredOption("--subject <subject>", "who agreed")
    .requiredOption("--client <id>", "the client that loses them")
    .addHelpText(
      "after",
      "\nExample:\n  mintmark consents revoke --subject ada --client 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f",
    );

  return new Command("consents")
    .description("list and end what people agreed to")
    .addCommand(
      serviceCommand<{ subject: string }>(list, async (client, { options: { subject } }) => {
        const consents = await client.consents.list.query({ subject });
        const headings = ["client", "name", "host", "resource", "scopes", "agreed"];
        return { json: consents, text: table(headings, consents.map(consentRow)) };
      }),
    )
    .addCommand(
      serviceCommand<ConsentsOptions>(revoke, async (client, { options: { subject, client: clientId } }) => {
        const revoked = await client.consents.revoke.mutate({ subject, clientId });
        const { consents, grants } = revoked;
        const ended = `ended what ${escapeInvisible(clientId)} can do for ${escapeInvisible(subject)}`;
        return { json: revoked, text: `${ended}: ${consents} consents, ${grants} grants` };
      }),
    );
}

function sessionRow({ sid, authTime, createdAt, expiresAt }: ListedSignIn): string[] {
  return [sid, ...[authTime, createdAt, expiresAt].map(moment)];
}

function consentRow({ clientId, clientName, host, audience, scopes, at }: ListedConsent): string[] {
  return [clientId, clientName ?? "", host, audience, scopes.join(" "), moment(at)];
}

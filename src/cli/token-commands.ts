import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError } from "commander";
import { StartError } from "../errors.ts";
import { escapeInvisible } from "../token/invisible.ts";
import { type JsonObject, parseJsonObject } from "../token/json.ts";
import { findCommand, grantsCommand } from "./lookup-commands.ts";
import { serviceCommand } from "./run.ts";
import { wholeNumber } from "./text.ts";

type GetOptions = {
  subject?: string;
  audience?: string[];
  scope?: string;
  expiresIn?: number;
  claims?: JsonObject;
  refreshable?: boolean;
};
type VerifyOptions = { audience?: string[]; scope?: string };

export function tokenCommands(): Command {
  const get = new Command("get")
    .description("issue a token and print it")
    .option("--subject <subject>", "subject of the token; default: the caller")
    .option("--audience <list>", "audiences, separated by commas; default: the configured one", listOf)
    .option("--scope <scope>", "scope tokens, separated by spaces")
    .option("--expires-in <seconds>", "lifetime; default: the configured one", wholeNumber)
    .option("--claims <json>", "custom claims, as a JSON object", jsonObject)
    .option("--refreshable", "print a refresh token, too, on the next line")
    .addHelpText(
      "after",
      '\nExample:\n  mintmark token get --subject ada --scope orders:read --claims \'{"role":"reader"}\'',
    );

  const verify = new Command("verify")
    .description("verify the token on standard input and print its claims")
    .option("--audience <list>", "accepted audiences, separated by commas; default: the configured one", listOf)
    .option("--scope <scope>", "required scope tokens, separated by spaces")
    .addHelpText("after", "\nExample:\n  mintmark token get | mintmark token verify");

  const refresh = new Command("refresh")
    .description("exchange the refresh token on standard input for the next token and the next refresh token")
    .option("--scope <scope>", "a part of the granted scope; default: all of it")
    .addHelpText("after", "\nExample:\n  mintmark token refresh < refresh-token");

  const revoke = new Command("revoke")
    .description("revoke the token on standard input, or the grant of a refresh token")
    .addHelpText("after", "\nExample:\n  mintmark token revoke < token");

  return new Command("token")
    .description("issue, verify, refresh, revoke and look up tokens")
    .addCommand(
      serviceCommand<GetOptions>(get, async (client, { options }) => {
        const issued = await client.getToken.query(options);
        return { json: issued, text: inLines(issued) };
      }),
    )
    .addCommand(
      serviceCommand<{ scope?: string }>(refresh, async (client, { options }) => {
        const issued = await client.refreshToken.mutate({ refreshToken: await standardInput(), ...options });
        return { json: issued, text: inLines(issued) };
      }),
    )
    .addCommand(
      serviceCommand(revoke, async (client) => {
        const revoked = await client.revokeToken.mutate({ token: await standardInput() });
        if (revoked.revoked === undefined)
          throw new StartError("nothing was revoked: the service did not issue this token, or its grant has ended");
        return { json: revoked, text: "revoked" };
      }),
    )
    .addCommand(
      serviceCommand<VerifyOptions>(verify, async (client, { options }) => {
        const claims = await client.verifyToken.mutate({ token: await standardInput(), ...options });
        return { json: claims, text: JSON.stringify(claims, null, 2) };
      }),
    )
    .addCommand(findCommand())
    .addCommand(grantsCommand());
}

/** A token is never an argument: every user of the machine can read arguments. */
async function standardInput(): Promise<string> {
  return (await text(process.stdin)).trim();
}

function inLines({ token, refreshToken }: { token: string; refreshToken?: string | undefined }): string {
  return refreshToken === undefined ? token : `${token}\n${refreshToken}`;
}

export function revokeCommand(): Command {
  const revoke = new Command("revoke")
    .description("revoke all tokens issued to a subject or a client until now, or those of a grant")
    .option("--subject <subject>", "subject of the tokens")
    .option("--client <id>", "client that received the tokens")
    .option("--session <sid>", "grant of the tokens: their sid claim")
    .addHelpText("after", "\nExample:\n  mintmark revoke --subject ada");
  return serviceCommand<{ subject?: string; client?: string; session?: string }>(
    revoke,
    async (client, { options }) => {
      const { subject, client: clientId, session: sid } = options;
      const revoked = await client.revoke.mutate({
        ...(subject && { subject }),
        ...(clientId && { clientId }),
        ...(sid && { sid }),
      });
      if (revoked.unknownGrant)
        throw new StartError(`there is no grant ${sid}: tokens that a lost grant of this sid covered are revoked`);
      if (revoked.unknownClient)
        throw new StartError(
          `there is no client ${clientId}: tokens that a lost client of this id received are revoked`,
        );
      return {
        json: revoked,
        text: `revoked all that was issued to ${escapeInvisible(subject ?? clientId ?? sid ?? "")} until now`,
      };
    },
  );
}

/** Parses a list. The option may be repeated. */
function listOf(word: string, earlier: readonly string[] = []): string[] {
  const entries = word.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new InvalidArgumentError("It must be a list separated by commas.");
  return [...earlier, ...entries];
}

function jsonObject(word: string): JsonObject {
  const value = parseJsonObject(Buffer.from(word));
  if (value === undefined) throw new InvalidArgumentError("It must be a JSON object that a token can carry.");
  return value;
}

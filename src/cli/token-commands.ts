import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError } from "commander";
import { isPlainObject, type JsonObject } from "../token/json.ts";
import { talking } from "./run.ts";

type GetOptions = { subject?: string; audience?: string; scope?: string; expiresIn?: number; claims?: JsonObject };
type VerifyOptions = { audience?: string; scope?: string };

export function tokenCommands(): Command {
  const get = new Command("get")
    .description("issue a token and print it")
    .option("--subject <subject>", "whom it is about; default: the caller itself")
    .option("--audience <audience>", "which service it is for; default: the configured one")
    .option("--scope <scope>", "scope tokens, separated by spaces")
    .option("--expires-in <seconds>", "lifetime; default: the configured one", wholeNumber)
    .option("--claims <json>", "custom claims, as a JSON object", jsonObject)
    .addHelpText(
      "after",
      '\nExample:\n  mintmark token get --subject ada --scope orders:read --claims \'{"role":"reader"}\'',
    );

  const verify = new Command("verify")
    .description("verify the token on standard input and print its claims")
    .option("--audience <audience>", "which service it must be for; default: the configured one")
    .option("--scope <scope>", "scope tokens that it must have")
    .addHelpText("after", "\nExample:\n  mintmark token get | mintmark token verify");

  return new Command("token")
    .description("issue and verify tokens")
    .addCommand(
      talking<GetOptions>(get, async (client, { options }) => {
        const issued = await client.getToken.query(options);
        return { json: issued, text: issued.token };
      }),
    )
    .addCommand(
      talking<VerifyOptions>(verify, async (client, { options }) => {
        // Never as an argument: every user of a machine can read those.
        const token = (await text(process.stdin)).trim();
        const claims = await client.verifyToken.mutate({ token, ...options });
        return { json: claims, text: JSON.stringify(claims, null, 2) };
      }),
    );
}

export function wholeNumber(word: string): number {
  if (!/^[0-9]{1,10}$/.test(word)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(word);
}

function jsonObject(word: string): JsonObject {
  try {
    const value: unknown = JSON.parse(word);
    if (isPlainObject(value)) return value as JsonObject;
  } catch {
    // Told below, with whatever else is no object.
  }
  throw new InvalidArgumentError("It must be a JSON object.");
}

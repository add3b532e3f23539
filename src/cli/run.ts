import type { TRPCClient } from "@trpc/client";
import type { Command } from "commander";
import { isTokenError } from "../client/client.ts";
import { MintmarkError, StartError } from "../errors.ts";
import type { TokenRouter } from "../router/router.ts";
import { storeRemedy } from "../store/remedies.ts";
import { escapeInvisible } from "../token/invisible.ts";
import { connectionError } from "./service-url.ts";
import { printable } from "./text.ts";

/** What a command gives back: rows for a table, or fields, or one bare word for another program. */
export type Result = { json: unknown; text: string };

type SharedOptions = { url?: string; json?: boolean };

/** Adds the options that every command has which talks to the service, and how such a command runs. */
export function serviceCommand<Options>(
  command: Command,
  work: (client: TRPCClient<TokenRouter>, parameters: { words: string[]; options: Options }) => Promise<Result>,
): Command {
  return command
    .option(
      "--url <url>",
      "the service to ask, as the client in MINTMARK_CLIENT_ID and MINTMARK_CLIENT_SECRET; default: the data of this machine",
    )
    .option("--json", "print JSON, for programs")
    .action(async () => {
      const { url, json, ...options } = command.opts<SharedOptions & Options>();
      const explain = (error: unknown) =>
        sentenceOf(error) ?? (url === undefined ? HERE : (connectionError(error, url) ?? ELSEWHERE));
      await reportFailure(async () => {
        // Only now: to explain a command, the service need not be loaded.
        const { connect } = await import("./connection.ts");
        const { client, close } = await connect(url);
        try {
          const result = await work(client, { words: command.args, options: options as Options });
          print(json ? JSON.stringify(result.json) : result.text);
        } finally {
          await close();
        }
      }, explain);
    });
}

/** What is said where a failure says nothing that may be passed on. */
const HERE = "the database could not be used: check that it runs, or that its disk is sound and not full";
const ELSEWHERE = "the service could not be reached: check the URL, and that it runs";

/** Prints what a command gives back. */
export function print(lines: string): void {
  process.stdout.write(`${printable(lines)}\n`);
}

/** Says something in one line beside what a command gives back. */
export function warn(line: string): void {
  process.stderr.write(`mintmark: ${escapeInvisible(line)}\n`);
}

/** Runs something and tells a failure in one line, without a stack: exit status 1. */
export async function reportFailure(
  work: () => Promise<void>,
  explain = (error: unknown) => sentenceOf(error) ?? HERE,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    warn(explain(error));
    process.exitCode = 1;
  }
}

/** One sentence about an error that a user may read. Undefined for other errors. */
export function sentenceOf(error: unknown): string | undefined {
  if (isTokenError(error)) return `${error.message} (${error.data.reason})`;
  if (error instanceof StartError) return error.message;
  return error instanceof MintmarkError ? (storeRemedy(error.cause) ?? error.message) : storeRemedy(error);
}

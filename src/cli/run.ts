import type { TRPCClient } from "@trpc/client";
import type { Command } from "commander";
import { isTokenError } from "../client/client.ts";
import { MintmarkError, StartError } from "../errors.ts";
import type { TokenRouter } from "../router/router.ts";
import { storeRemedy } from "../store/remedies.ts";
import { escapeInvisible } from "../token/invisible.ts";
import { connectionError } from "./service-url.ts";
import { printable } from "./text.ts";
import { exitWhenDone } from "./time-limit.ts";

/** The result of a command: JSON for programs, text for people, and a line for standard error. */
export type Result = { json: unknown; text: string; notice?: string | undefined };

type SharedOptions = { url?: string; json?: boolean };

/** Adds the options and the action of a command that calls the service. */
export function serviceCommand<Options>(
  command: Command,
  work: (client: TRPCClient<TokenRouter>, parameters: { words: string[]; options: Options }) => Promise<Result>,
): Command {
  return command
    .option(
      "--url <url>",
      "the service, called as the client in MINTMARK_CLIENT_ID and MINTMARK_CLIENT_SECRET; default: the data of this machine",
    )
    .option(...JSON_OPTION)
    .action(async () => {
      const { url, json, ...options } = command.opts<SharedOptions & Options>();
      const explain = (error: unknown) =>
        sentenceOf(error) ?? (url === undefined ? DATABASE_FAILED : (connectionError(error, url) ?? SERVICE_FAILED));
      await reportFailure(async () => {
        // Loaded here: `--help` needs no service.
        const { connect } = await import("./connection.ts");
        const { client, close } = await connect(url);
        try {
          printResult(await work(client, { words: command.args, options: options as Options }), json);
        } finally {
          await close();
        }
      }, explain);
    });
}

/** Messages for a failure without one of its own. */
const DATABASE_FAILED = "the database could not be used: check that it runs, or that its disk is sound and not full";
const SERVICE_FAILED = "the service could not be reached: check the URL, and that it runs";

/** Adds `--json` and the action of a command that examines this machine. */
export function diagnosticCommand<Options>(command: Command, work: (options: Options) => Promise<Result>): Command {
  return command.option(...JSON_OPTION).action(() =>
    reportFailure(async () => {
      const { json, ...options } = command.opts<SharedOptions & Options>();
      printResult(await work(options as Options), json);
    }).finally(exitWhenDone),
  );
}

const JSON_OPTION = ["--json", "print JSON, for programs"] as const;

function printResult({ json, text, notice }: Result, asJson = false): void {
  print(asJson ? JSON.stringify(json) : text);
  if (notice !== undefined) warn(notice);
}

/** Prints the result of a command. */
export function print(lines: string): void {
  process.stdout.write(`${printable(lines)}\n`);
}

/** Prints one line to standard error. */
export function warn(line: string): void {
  process.stderr.write(`mintmark: ${escapeInvisible(line)}\n`);
}

/** Runs a command. Prints a failure in one line without a stack and sets exit status 1. */
export async function reportFailure(
  work: () => Promise<void>,
  explain = (error: unknown) => sentenceOf(error) ?? DATABASE_FAILED,
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

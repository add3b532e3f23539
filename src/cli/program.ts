import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { auditCommand } from "./audit-command.ts";
import { backupCommand } from "./backup-command.ts";
import { clientCommands } from "./client-commands.ts";
import { configCommand } from "./config-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { environmentHelp } from "./environment-help.ts";
import { keyCommands } from "./key-commands.ts";
import { moveCommand } from "./move-command.ts";
import { separateIds } from "./operands.ts";
import { consentCommands, sessionCommands } from "./people-commands.ts";
import { resourceCommands } from "./resource-commands.ts";
import { signInCommand } from "./sign-in-command.ts";
import { printable } from "./text.ts";
import { revokeCommand, tokenCommands } from "./token-commands.ts";

const { version } = createRequire(import.meta.url)("../../package.json");

/** Runs the command with these words. Sets the exit status of the process: 1 after a failure, 2 for wrong usage. */
export async function runProgram(words: readonly string[]): Promise<void> {
  const program = createProgram();
  exitByThrowing(program);
  await program.parseAsync(separateIds(words), { from: "user" }).catch((error: unknown) => {
    process.exitCode = exitStatus(error);
  });
}

function createProgram(): Command {
  return new Command("mintmark")
    .description("A typed token service: issues and verifies JSON Web Tokens.")
    .version(version)
    .addCommand(serveCommand(), { isDefault: true })
    .addCommand(tokenCommands())
    .addCommand(signInCommand())
    .addCommand(revokeCommand())
    .addCommand(keyCommands())
    .addCommand(clientCommands())
    .addCommand(resourceCommands())
    .addCommand(sessionCommands())
    .addCommand(consentCommands())
    .addCommand(auditCommand())
    .addCommand(configCommand())
    .addCommand(doctorCommand())
    .addCommand(backupCommand())
    .addCommand(moveCommand());
}

function serveCommand(): Command {
  return new Command("serve")
    .description("run the server until SIGTERM or SIGINT")
    .addHelpText("after", environmentHelp)
    .action(async () => {
      await import("../program/main.ts");
    });
}

/** Exit status: 0 success, 1 the command was refused or failed, 2 wrong usage. */
function exitStatus(error: unknown): number {
  return error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
}

function exitByThrowing(command: Command): void {
  command.exitOverride().configureOutput({ outputError: (text, write) => write(printable(text)) });
  for (const inner of command.commands) exitByThrowing(inner);
}

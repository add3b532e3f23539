#!/usr/bin/env node
import { createRequire } from "node:module";
import { constants } from "node:os";
import { Command, CommanderError } from "commander";
import { ignoreClosedOutput } from "../program/closed-output.ts";
import { onStop } from "../program/signals.ts";
import { auditCommand } from "./audit-command.ts";
import { backupCommand } from "./backup-command.ts";
import { clientCommands } from "./client-commands.ts";
import { configCommand } from "./config-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { environmentHelp } from "./environment-help.ts";
import { keyCommands } from "./key-commands.ts";
import { moveCommand } from "./move-command.ts";
import { separateIds } from "./operands.ts";
import { resourceCommands } from "./resource-commands.ts";
import { warn } from "./run.ts";
import { printable } from "./text.ts";
import { revokeCommand, tokenCommands } from "./token-commands.ts";

const { version } = createRequire(import.meta.url)("../../package.json");

const serve = new Command("serve")
  .description("run the server until SIGTERM or SIGINT")
  .addHelpText("after", environmentHelp)
  .action(async () => {
    await import("../program/main.ts");
  });

const program = new Command("mintmark")
  .description("A typed token service: issues and verifies JSON Web Tokens.")
  .version(version)
  .addCommand(serve, { isDefault: true })
  .addCommand(tokenCommands())
  .addCommand(revokeCommand())
  .addCommand(keyCommands())
  .addCommand(clientCommands())
  .addCommand(resourceCommands())
  .addCommand(auditCommand())
  .addCommand(configCommand())
  .addCommand(doctorCommand())
  .addCommand(backupCommand())
  .addCommand(moveCommand());

/** Exit status: 0 success, 1 the command was refused or failed, 2 wrong usage. */
function exitStatus(error: unknown): number {
  return error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
}

function exitByThrowing(command: Command): void {
  command.exitOverride().configureOutput({ outputError: (text, write) => write(printable(text)) });
  for (const inner of command.commands) exitByThrowing(inner);
}

ignoreClosedOutput(({ code }) => {
  warn(`the output cannot be written (${code})`);
  process.exitCode = 1;
});

// The kernel sends PID 1 of a container no signal without a handler.
if (process.pid === 1) onStop((signal) => process.exit(128 + constants.signals[signal]));

exitByThrowing(program);
await program.parseAsync(separateIds(process.argv.slice(2)), { from: "user" }).catch((error: unknown) => {
  process.exitCode = exitStatus(error);
});

#!/usr/bin/env node
import { createRequire } from "node:module";
import { constants } from "node:os";
import { Command, CommanderError } from "commander";
import { ignoreClosedOutput } from "../program/closed-output.ts";
import { onStop } from "../program/signals.ts";
import { auditCommand } from "./audit-command.ts";
import { backupCommand } from "./backup-command.ts";
import { clientCommands } from "./client-commands.ts";
import { keyCommands } from "./key-commands.ts";
import { moveCommand } from "./move-command.ts";
import { warn } from "./run.ts";
import { printable } from "./text.ts";
import { revokeCommand, tokenCommands } from "./token-commands.ts";

const { version } = createRequire(import.meta.url)("../../package.json");

const ENVIRONMENT = `
Environment (default):
  HOST, PORT                address or name of this machine, and port, to listen on (127.0.0.1, 3000; PORT=0 picks a free port)
  MINTMARK_ISSUER           the iss of every token (http://HOST:PORT)
  MINTMARK_AUDIENCE         the aud of a token that asks for none (the issuer)
  MINTMARK_DATA             folder of the embedded database (.mintmark)
  DATABASE_URL              postgres://… keeps all state in PostgreSQL instead; ?schema=NAME names the schema of its tables
  MINTMARK_ALG              ES256, ES384, RS256, PS256 or EdDSA, from the next key on (that of the data, at first ES256)
  MINTMARK_SECRET           sign by HS256 with this secret of at least 32 bytes instead
  MINTMARK_KEK              32 bytes in base64url, base64 or hex that encrypt private keys at rest; needed with DATABASE_URL, or "none"
  MINTMARK_TTL              lifetime of a token that asks for none, in seconds (900)
  MINTMARK_MAX_TTL          longest lifetime that may be asked for (86400)
  MINTMARK_ROTATION         how long a key signs (2592000)
  MINTMARK_REFRESH_TTL      how long a refresh token may go on being exchanged (2592000)
  MINTMARK_REFRESH_IDLE     and how long it waits to be (604800)
  MINTMARK_REPLAY_WINDOW    how long a used one is answered as before (10)
  MINTMARK_AUDIT_RETENTION  how long audit records are kept (7776000)
  MINTMARK_ACCESS           open: any program on this machine may do everything; or clients (open on loopback, unless the issuer is elsewhere)
  MINTMARK_ADMIN_SECRET     makes the client "admin" with this secret of at least 32 characters
  MINTMARK_RATE_ISSUE, MINTMARK_RATE_ISSUE_ADDRESS, MINTMARK_RATE_VERIFY, MINTMARK_RATE_VERIFY_ADDRESS
                            most calls a minute of one client and from one address; 0 for any number
                            (30000, 60000, 300000, 600000; where access is open, 0)
  MINTMARK_ORIGINS          web origins whose pages may call from a browser: https://app.example, with commas between
  MINTMARK_TRUST_PROXY      whose X-Forwarded-For is believed: addresses, networks, or loopback, with commas between
  MINTMARK_KEEP_ALIVE       how long a connection may wait for its next request (620); longer than the load balancer in front keeps it
  MINTMARK_DRAIN            how long it serves on once told to stop, while /readyz says so (1; 0 where access is open)
  MINTMARK_WORKERS          processes that share the port, beside one that keeps them (1: a single one)
  MINTMARK_LOG_LEVEL        fatal, error, warn, info, debug, trace or silent (info)

  DATABASE_URL, MINTMARK_SECRET, MINTMARK_KEK, MINTMARK_KEK_PREVIOUS, MINTMARK_ADMIN_SECRET and MINTMARK_CLIENT_SECRET can
  come from files: MINTMARK_KEK_FILE=/run/secrets/kek. The line break at the end of the file is no part of the value.

Example:
  PORT=4000 MINTMARK_DATA=/var/lib/mintmark mintmark serve`;

const serve = new Command("serve")
  .description("run the server until it is told to stop")
  .addHelpText("after", ENVIRONMENT)
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
  .addCommand(auditCommand())
  .addCommand(backupCommand())
  .addCommand(moveCommand());

/** 0: done. 1: it was refused or failed. 2: the words of the command were wrong. */
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

// Such a process, the first of a container, is sent no signal that it does not handle.
if (process.pid === 1) onStop((signal) => process.exit(128 + constants.signals[signal]));

exitByThrowing(program);
await program.parseAsync().catch((error: unknown) => {
  process.exitCode = exitStatus(error);
});

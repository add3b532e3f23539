#!/usr/bin/env node
import { createRequire } from "node:module";
import { Command } from "commander";

const { version } = createRequire(import.meta.url)("../package.json");

const program = new Command("mintmark")
  .description("A typed token service: issues and verifies JSON Web Tokens.")
  .version(version);

program
  .command("serve", { isDefault: true })
  .description("run the server until it is told to stop")
  .addHelpText(
    "after",
    `
Environment:
  HOST, PORT               where to listen (127.0.0.1, 3000; PORT=0 picks a free port)
  MINTMARK_ISSUER          the iss of every token (http://HOST:PORT)
  MINTMARK_AUDIENCE        the aud of a token that asks for none (the issuer)
  MINTMARK_DATA            folder of the embedded database (.mintmark)
  MINTMARK_ALG             ES256, ES384, RS256, PS256 or EdDSA (ES256)
  MINTMARK_SECRET          sign by HS256 with this secret of at least 32 bytes instead
  MINTMARK_TTL             lifetime of a token that asks for none, in seconds (900)
  MINTMARK_MAX_TTL         longest lifetime that may be asked for, in seconds (86400)
  MINTMARK_LOG_LEVEL       fatal, error, warn, info, debug, trace or silent (info)

Example:
  PORT=4000 MINTMARK_DATA=/var/lib/mintmark mintmark serve`,
  )
  .action(async () => {
    await import("./main.ts");
  });

await program.parseAsync();

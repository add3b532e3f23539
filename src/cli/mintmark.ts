#!/usr/bin/env node
import { constants } from "node:os";
import { ignoreClosedOutput } from "../program/closed-output.ts";
import { onStop } from "../program/signals.ts";
import { runProgram } from "./program.ts";
import { warn } from "./run.ts";

ignoreClosedOutput(({ code }) => {
  warn(`the output cannot be written (${code})`);
  process.exitCode = 1;
});

// The kernel sends PID 1 of a container no signal without a handler.
if (process.pid === 1) onStop((signal) => process.exit(128 + constants.signals[signal]));

await runProgram(process.argv.slice(2));

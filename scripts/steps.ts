import { type ParseArgsConfig, parseArgs } from "node:util";

/** Parses the options of a script. `--help` prints the usage and exits with 0, a wrong option with 2. */
export function readOptions<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  usage: string,
  options: Options,
) {
  try {
    const { values } = parseArgs({ options });
    if (!Object.hasOwn(values, "help")) return values;
  } catch {
    process.stderr.write(usage);
    process.exit(2);
  }
  process.stdout.write(usage);
  process.exit(0);
}

/** Runs steps, prints one line for each, and counts failures. */
export function createSteps() {
  let failed = 0;
  return {
    /** Prints the outcome of a step. The next steps run after a failure, too. */
    async step(name: string, work: () => Promise<string>): Promise<void> {
      try {
        process.stdout.write(`  ok    ${name}: ${await work()}\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(`  FAIL  ${name}: ${error instanceof Error ? error.message : error}\n`);
      }
    },
    /** Prints the verdict and sets the exit status. */
    conclude(success: string): void {
      process.stdout.write(failed === 0 ? `${success}\n` : `${failed} steps failed\n`);
      process.exitCode = failed === 0 ? 0 : 1;
    },
  };
}

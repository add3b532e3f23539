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

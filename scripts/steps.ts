/** Counts the steps that failed, so that a run can tell by its exit status. */
export function createSteps() {
  let failed = 0;
  return {
    /** Tells whether a step does as its name says. After one that failed the others go on, to tell as much as can be told. */
    async step(name: string, work: () => Promise<string>): Promise<void> {
      try {
        process.stdout.write(`  ok    ${name}: ${await work()}\n`);
      } catch (error) {
        failed += 1;
        process.stdout.write(`  FAIL  ${name}: ${error instanceof Error ? error.message : error}\n`);
      }
    },
    /** Says how it went, and makes that the exit status. */
    conclude(allWell: string): void {
      process.stdout.write(failed === 0 ? `${allWell}\n` : `${failed} steps failed\n`);
      process.exitCode = failed === 0 ? 0 : 1;
    },
  };
}

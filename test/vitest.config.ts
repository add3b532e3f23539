import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Where tests wait for processes, databases and browsers. They come first, so that no worker is left alone with one. */
const SLOW = /\/test\/(end-to-end|deploy|cli|store)\//;

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const inOrder = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...inOrder.filter(isSlow), ...inOrder.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/build.ts",
    setupFiles: "test/support/leftovers.ts",
    // Much of the time goes by waiting for other processes.
    maxWorkers: availableParallelism() + 2,
    // No test leaves anything behind in its modules, so each worker loads them once.
    isolate: false,
    sequence: { sequencer: SlowFirst },
    // Only for what never ends: on a machine that does much else, all takes several times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

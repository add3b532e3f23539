import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/build.ts",
    // Much of the time goes by waiting for other processes, so two cores take two test files at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // No test leaves anything behind in its modules, so each worker loads them once.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});

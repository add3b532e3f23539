import { test } from "vitest";

type Need = {
  /** As it is called in the name of a test. */
  program: string;
  found: boolean;
  /** Whether its absence is a failure: so on a machine that is set up to run everything. */
  required: boolean;
};

/** Declares tests that need a program beside Node. Where it is absent they are skipped, by a name that says so. */
export function testWith({ program, found, required }: Need) {
  return (name: string, body: () => Promise<void>, timeout?: number): void => {
    if (found) test(name, body, timeout);
    else if (required) test(name, () => Promise.reject(new Error(`${program} is absent, and required`)));
    else test.skip(`${name} (${program} absent: skipped)`, body);
  };
}

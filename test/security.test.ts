import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");

/** The rows of the table of promises: what is promised, and the names of tests by the file that each is in. */
const promises = [...page.matchAll(/^\| ([^|]{30,}) \| (`test\/[^|]+) \|$/gm)].map(([, promise = "", held = ""]) => ({
  promise,
  tests: [...held.matchAll(/`(test\/[^`]+)` "([^"]+)"/g)].map(([, file = "", name = ""]) => ({ file, name })),
  named: held.split("; ").length,
}));

describe("the page on security", () => {
  it("makes promises", () => {
    expect(promises.length).toBeGreaterThan(15);
  });

  it.each(promises)("names tests that there are for: $promise", ({ tests, named }) => {
    expect(tests).toHaveLength(named);
    for (const { file, name } of tests) {
      const source = readFileSync(join(root, file), "utf8");
      // What is called with a name has it behind a bracket, or on a line of its own.
      const found = new RegExp(`[(\\n]\\s*["\`]${escaped(name)}["\`],`).test(source);
      expect({ file, name, found }).toEqual({ file, name, found: true });
    }
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

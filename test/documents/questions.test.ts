import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, textOf } from "../support/documents.ts";

const [, section = ""] = textOf("CONTRIBUTING.md").split("\n## A stranger's questions\n");
const questions = [...(section.split("\n## ")[0] ?? "").matchAll(/^\| ([^|]+\?) \| (.+) \|$/gm)].map(
  ([, question = "", answer = ""]) => ({
    question,
    places: [...answer.matchAll(/`([\w./-]+\.ts)` `(\w+)`/g)].map(([, file = "", name = ""]) => ({ file, name })),
  }),
);

describe("a stranger's questions", () => {
  it("are twelve", () => {
    expect(questions).toHaveLength(12);
  });

  it.each(questions)("$question in three files at most, each of which exports the name beside it", ({ places }) => {
    expect(places.length).toBeGreaterThan(0);
    expect(places.length).toBeLessThan(4);
    for (const { file, name } of places) {
      const source = readFileSync(join(ROOT, file), "utf8");
      const found = new RegExp(`^export (?:async )?(?:function|const|type) ${name}\\b`, "m").test(source);
      expect({ file, name, found }).toEqual({ file, name, found: true });
    }
  });
});

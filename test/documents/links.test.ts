import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsIn, documents, linksIn, ROOT, textOf } from "../support/documents.ts";

describe("the documents", () => {
  it.each(documents)("%s begins with a sentence on what it answers", (document) => {
    const [, sentence = ""] = /^(?:<!--.*-->\n\n)?# .+\n\n(.+)\n/.exec(textOf(document)) ?? [];
    expect(sentence.length).toBeGreaterThan(20);
    expect(sentence.length).toBeLessThan(200);
    expect(sentence).toMatch(/[.:]$/);
  });

  it.each(documents)("%s links to files and headings that exist", (document) => {
    for (const { path, anchor } of linksIn(document)) {
      expect({ path, found: existsSync(join(ROOT, path)) }).toEqual({ path, found: true });
      if (anchor !== undefined) expect(anchorsIn(path)).toContain(anchor);
    }
  });

  it.each(documents)("%s names files of this repository that exist", (document) => {
    const paths = [...textOf(document).matchAll(/`((?:src|test|scripts|docs)\/[\w./-]+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("are all linked from another one", () => {
    const linked = new Set(
      documents.flatMap((document) => linksIn(document).flatMap(({ path }) => (path === document ? [] : [path]))),
    );
    expect(documents.filter((document) => document !== "README.md" && !linked.has(document))).toEqual([]);
  });
});

it("the chart beside the benchmarks is that of the last measurement", () => {
  expect(textOf("docs/benchmark.svg")).toBe(textOf("scripts/bench/results/verify.svg"));
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsIn, documents, linksIn, ROOT } from "../support/documents.ts";

describe("the documents", () => {
  it.each(documents)("%s links to files and headings that exist", (document) => {
    for (const { path, anchor } of linksIn(document)) {
      expect({ path, found: existsSync(join(ROOT, path)) }).toEqual({ path, found: true });
      if (anchor !== undefined) expect(anchorsIn(path)).toContain(anchor);
    }
  });

  it("are all linked from another one", () => {
    const linked = new Set(
      documents.flatMap((document) => linksIn(document).flatMap(({ path }) => (path === document ? [] : [path]))),
    );
    expect(documents.filter((document) => document !== "README.md" && !linked.has(document))).toEqual([]);
  });
});

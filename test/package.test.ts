import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { documents, linksIn } from "./support/documents.ts";
import { inspect, pack } from "./support/package.ts";
import { temporaryFolder } from "./support/service.ts";

test("the package holds what its users need and nothing else, and every link of a document leads to a file in it", () => {
  using folder = temporaryFolder();
  const unpacked = join(folder.path, "package");
  expect(inspect(pack(folder.path), unpacked)).toMatch(/^\d+ files, /);
  const links = documents.flatMap((document) => linksIn(document).map(({ path }) => ({ document, path })));
  expect(links).toContainEqual({ document: "README.md", path: "docs/getting-started.md" });
  const packed = ({ path }: { path: string }) => existsSync(join(unpacked, path));
  expect(links.filter((link) => !packed({ path: link.document }) || !packed(link))).toEqual([]);
});

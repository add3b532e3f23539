import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documents, linksIn, ROOT } from "./support/documents.ts";
import { pack } from "./support/pack.ts";
import { inspect } from "./support/package.ts";
import { temporaryFolder } from "./support/service.ts";

const folder = temporaryFolder();
const unpacked = join(folder.path, "package");
let summary = "";
beforeAll(() => {
  summary = inspect(pack(folder.path), unpacked);
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

test("the package holds what its users need and nothing else, and every link of a document leads to a file in it", () => {
  expect(summary).toMatch(/^\d+ files, /);
  const links = documents.flatMap((document) => linksIn(document).map(({ path }) => ({ document, path })));
  expect(links).toContainEqual({ document: "README.md", path: "docs/getting-started.md" });
  const packed = ({ path }: { path: string }) => existsSync(join(unpacked, path));
  expect(links.filter((link) => !packed({ path: link.document }) || !packed(link))).toEqual([]);
});

test("the manifest of the package has no script for an install, and nothing that is for a checkout alone", () => {
  const [own, packed] = [ROOT, unpacked].map((path) => JSON.parse(readFileSync(join(path, "package.json"), "utf8")));
  expect(packed.scripts).toEqual({ start: own.scripts.start });
  const { scripts: _, ...shared } = packed;
  expect(own).toMatchObject(shared);
  const left = Object.keys(own).filter((field) => !(field in packed));
  expect(left).toEqual(["private", "devDependencies", "knip", "scarfSettings", "allowScripts", "overrides"]);
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspect, pack } from "./support/package.ts";
import { temporaryFolder } from "./support/service.ts";

test("the package holds what its users need and nothing else, and every link of its README leads to a file in it", () => {
  using folder = temporaryFolder();
  const unpacked = join(folder.path, "package");
  expect(inspect(pack(folder.path), unpacked)).toMatch(/^\d+ files, /);
  const readme = readFileSync(join(unpacked, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link.replace(/#.*/, ""));
  const relative = links.filter((link) => link !== "" && !/^https?:/.test(link));
  expect(relative).toContain("docs/getting-started.md");
  expect(relative.filter((link) => !existsSync(join(unpacked, link)))).toEqual([]);
});

import { join } from "node:path";
import { expect, test } from "vitest";
import { inspect, pack } from "./support/package.ts";
import { temporaryFolder } from "./support/service.ts";

test("the package has nothing in it that does not belong there", () => {
  using folder = temporaryFolder();
  expect(inspect(pack(folder.path), join(folder.path, "package"))).toMatch(/^\d+ files, /);
});

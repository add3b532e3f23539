import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { temporaryFolder } from "../support/service.ts";
import { describeStore } from "./conformance.ts";

const root = temporaryFolder();
afterAll(() => root[Symbol.dispose]());

describeStore("a store on SQLite", {
  address: async () => ({ folder: mkdtempSync(join(root.path, "data-")), shared: true }),
});

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { backUp } from "../../src/store/sqlite/backup.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { temporaryFolder } from "../support/service.ts";

const REFUSALS = [
  { of: "no database", data: "nowhere", to: "copy.db", said: /^There is no database in [^\n]+$/ },
  { of: "an empty file", data: "empty", to: "copy.db", said: /cannot be opened \(SQLITE_NOTADB\)/ },
  { of: "a damaged database", data: "damaged", to: "copy.db", said: /cannot be opened \(SQLITE_NOTADB\)/ },
  { of: "one, over another file", data: "data", to: "data/mintmark.db", said: /already exists: name a new file/ },
  { of: "one, in no folder", data: "data", to: "none/copy.db", said: /cannot be written \(ENOENT\): name a new file/ },
];

it.each(REFUSALS)("a backup of $of is refused, and leaves no file", async ({ data, to, said }) => {
  using folder = temporaryFolder();
  for (const [name, content] of [
    ["empty", ""],
    ["damaged", randomBytes(9000)],
  ] as const) {
    mkdirSync(join(folder.path, name));
    writeFileSync(join(folder.path, name, "mintmark.db"), content);
  }
  await (await openSqliteStore(join(folder.path, "data"))).close();
  const before = readdirSync(folder.path, { recursive: true });
  const attempt = () => backUp(join(folder.path, data), join(folder.path, to));
  expect(attempt).toThrow(StartError);
  expect(attempt).toThrow(said);
  expect(readdirSync(folder.path, { recursive: true })).toEqual(before);
});

import { join } from "node:path";
import Database from "libsql";
import { afterAll } from "vitest";
import { temporaryFolder } from "../support/service.ts";
import { describeStore } from "./conformance.ts";

const root = temporaryFolder();
afterAll(() => root[Symbol.dispose]());

let folder = "";
let count = 0;

describeStore("a store on SQLite", {
  async address() {
    count += 1;
    folder = join(root.path, `data-${count}`);
    return { folder, shared: true };
  },
  async empty() {
    const database = new Database(join(folder, "mintmark.db"));
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
    const filled = tables.filter(({ name }) => !/^(sqlite|mintmark)_|^state$/.test(name));
    database.exec("begin immediate");
    for (const { name } of filled) database.exec(`delete from ${name}`);
    database.exec("update state set revision = 0, keys_revision = 0, longest_lifetime = 0");
    database.exec("commit");
    database.close();
  },
});

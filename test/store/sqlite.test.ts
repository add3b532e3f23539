import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { generateKeyPair } from "../../src/keys/key-pair.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { holdLock } from "../support/lock-holder.ts";
import { NOW, temporaryFolder } from "../support/service.ts";

/** Adds a first key to a store. */
async function addKey(store: Store): Promise<void> {
  const key = await generateKeyPair({ alg: "ES256", createdAt: NOW, activatesAt: NOW, follows: "" });
  await store.addKey(key, { id: "1", at: NOW, action: "keys.rotate", outcome: "allowed" });
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("openSqliteStore", () => {
  it("creates a folder that only its owner can enter, and files that only its owner can read", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "deep", "data");
    const store = await openSqliteStore(data);
    await addKey(store);
    expect(mode(data)).toBe("700");
    expect(readdirSync(data).map((file) => `${file} ${mode(join(data, file))}`)).toEqual([
      "mintmark.db 600",
      "mintmark.db-shm 600",
      "mintmark.db-wal 600",
      "mintmark.db.lock 600",
      "mintmark.db.lock-journal 600",
    ]);
    await store.close();
  });

  it("retains its locks if this process has had the file open before: no other process deletes the log in use", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    await (await openSqliteStore(data)).close();
    const store = await openSqliteStore(data);
    await addKey(store);
    // The last process to close a database deletes its log.
    await using other = await holdLock(join(data, "mintmark.db"), 0);
    await other.ended;
    await store.appendAudit([{ id: "2", at: NOW, action: "keys.rotate", outcome: "allowed" }]);
    await store.close();
    const again = await openSqliteStore(data);
    expect(await again.listKeys()).toHaveLength(1);
    await again.close();
  });

  it("restricts a folder and files that were open to others", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    await (await openSqliteStore(data)).close();
    chmodSync(data, 0o755);
    chmodSync(join(data, "mintmark.db"), 0o644);
    await (await openSqliteStore(data)).close();
    expect([mode(data), mode(join(data, "mintmark.db"))]).toEqual(["700", "600"]);
  });

  it("refuses a folder with other files, and changes nothing in it", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "home");
    mkdirSync(data, { mode: 0o755 });
    writeFileSync(join(data, "thesis.txt"), "");
    await expect(openSqliteStore(data)).rejects.toThrow(/MINTMARK_DATA is .* holds other files/);
    expect([mode(data), readdirSync(data)]).toEqual(["755", ["thesis.txt"]]);
  });

  it.each([
    ["an empty file", ""],
    ["garbage", "not a database, whatever it was before".repeat(300)],
    ["a database cut short", undefined],
  ])("refuses %s in place of the database, and leaves it unchanged", async (_name, content) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "mintmark.db");
    const store = await openSqliteStore(folder.path);
    await addKey(store);
    await store.close();
    const damaged = content ?? readFileSync(file).subarray(0, 5000);
    writeFileSync(file, damaged);
    const reopened = openSqliteStore(folder.path).then((store) => store.listKeys());
    await expect(reopened).rejects.toThrow(StartError);
    await expect(reopened).rejects.toThrow(/restore it from a backup/);
    expect(readFileSync(file)).toEqual(Buffer.from(damaged));
  });
});

import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { generateKeyPair } from "../../src/keys/key-pair.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { NOW, temporaryFolder } from "../support/service.ts";

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("openSqliteStore", () => {
  it("makes a folder that only its owner can enter, and files that only its owner can read", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "deep", "data");
    const store = await openSqliteStore(data);
    await store.addFirstKey(await generateKeyPair("ES256", NOW));
    expect(mode(data)).toBe("700");
    expect(readdirSync(data).map((file) => `${file} ${mode(join(data, file))}`)).toEqual([
      "mintmark.db 600",
      "mintmark.db-shm 600",
      "mintmark.db-wal 600",
    ]);
    await store.close();
  });

  it("closes a folder and files that stood open to others", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    await (await openSqliteStore(data)).close();
    chmodSync(data, 0o755);
    chmodSync(join(data, "mintmark.db"), 0o644);
    await (await openSqliteStore(data)).close();
    expect([mode(data), mode(join(data, "mintmark.db"))]).toEqual(["700", "600"]);
  });

  it("refuses a folder that holds other files, and changes nothing about it", async () => {
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
  ])("refuses %s in place of the database, and leaves it as it is", async (_name, content) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "mintmark.db");
    const store = await openSqliteStore(folder.path);
    await store.addFirstKey(await generateKeyPair("ES256", NOW));
    await store.close();
    const damaged = content ?? readFileSync(file).subarray(0, 5000);
    writeFileSync(file, damaged);
    const reopened = openSqliteStore(folder.path).then((store) => store.listKeys());
    await expect(reopened).rejects.toThrow(StartError);
    await expect(reopened).rejects.toThrow(/restore it from a backup/);
    expect(readFileSync(file)).toEqual(Buffer.from(damaged));
  });

  it("keeps keys over a restart, oldest first", async () => {
    using folder = temporaryFolder();
    const keys = [await generateKeyPair("ES256", NOW), await generateKeyPair("EdDSA", NOW + 1)];
    const store = await openSqliteStore(folder.path);
    for (const key of keys.toReversed()) await store.addFirstKey(key);
    await store.close();
    const reopened = await openSqliteStore(folder.path);
    expect(await reopened.listKeys()).toEqual(keys);
    await reopened.close();
  });
});

describe("addFirstKey", () => {
  it("adds one key of an algorithm and no second, however many are offered at once", async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore(folder.path);
    const offered = await Promise.all(Array.from({ length: 5 }, () => generateKeyPair("ES256", NOW)));
    const outcomes = await Promise.all(offered.map((key) => store.addFirstKey(key)));
    expect(outcomes.filter((outcome) => outcome === "added")).toHaveLength(1);
    expect(await store.listKeys()).toHaveLength(1);
    await store.close();
  });
});

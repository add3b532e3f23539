import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareDataDirectory } from "../../src/store/sqlite/data-directory.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { temporaryFolder } from "../support/service.ts";

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe("a data folder", () => {
  it.each([
    [".DS_Store"],
    ["._mintmark.db"],
    [".keep"],
    [".gitkeep"],
    [".gitignore"],
    ["..data"],
    ["..2026_11_28_05_25_58.123456789"],
    [".nfs000000000001"],
    [".snapshot"],
    [".Trash-1000"],
    ["lost+found"],
    ["Thumbs.db"],
    ["desktop.ini"],
    ["@eaDir"],
  ])("is usable with %s, which stays unchanged", async (stray) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, stray), "not ours", { mode: 0o644 });
    await (await openSqliteStore(folder.path)).close();
    expect(modeOf(join(folder.path, stray))).toBe("644");
    expect(readdirSync(folder.path)).toContain("mintmark.db");
  });

  it.each([["thesis.txt"], ["data.db"], ["mintmark"], ["MINTMARK.DB"]])("is refused with %s", (other) => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, other), "not ours");
    expect(() => prepareDataDirectory(folder.path, "mintmark.db")).toThrow(
      /^MINTMARK_DATA is [^\n]+ holds other files: /,
    );
  });

  /** Modes of a folder and a file of this user, before and after. */
  const own = [
    { folder: 0o755, file: 0o644, becomes: ["700", "600"] },
    { folder: 0o777, file: 0o666, becomes: ["700", "600"] },
    { folder: 0o700, file: 0o640, becomes: ["700", "600"] },
    { folder: 0o2775, file: 0o660, becomes: ["2770", "660"] },
    { folder: 0o2770, file: 0o664, becomes: ["2770", "660"] },
    { folder: 0o2777, file: 0o600, becomes: ["2770", "600"] },
    { folder: 0o1777, file: 0o600, becomes: ["1700", "600"] },
  ];
  it.each(own)("of this user with modes $folder and $file becomes $becomes", ({ folder: mode, file, becomes }) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "mintmark.db");
    writeFileSync(path, "");
    chmodSync(path, file);
    chmodSync(folder.path, mode);
    prepareDataDirectory(folder.path, "mintmark.db");
    expect([modeOf(folder.path), modeOf(path)]).toEqual(becomes);
  });

  const isRoot = process.geteuid?.() === 0;
  const NOBODY = 65534;
  /** Runs as another user of a group with folders of root. */
  function asMember<Outcome>(work: () => Outcome): Outcome {
    const groups = process.getgroups?.() ?? [];
    process.setgroups?.([]);
    process.setegid?.(NOBODY);
    process.seteuid?.(NOBODY);
    try {
      return work();
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
      process.setgroups?.(groups);
    }
  }

  /** The same for another user, in a group of this one. */
  const others = [
    { folder: 0o2775, file: 0o660, isUsable: true },
    { folder: 0o2770, file: 0o660, isUsable: true },
    { folder: 0o770, file: 0o660, isUsable: true },
    { folder: 0o775, file: undefined, isUsable: true },
    { folder: 0o2775, file: 0o664, isUsable: false },
    { folder: 0o2777, file: 0o660, isUsable: false },
    { folder: 0o777, file: undefined, isUsable: false },
  ];
  it.runIf(isRoot).each(others)(
    "of another user with modes $folder and $file, shared with a group of this one: usable is $isUsable, and it stays as it is",
    ({ folder: mode, file, isUsable }) => {
      using parent = temporaryFolder();
      chmodSync(parent.path, 0o755);
      const folder = join(parent.path, "data");
      mkdirSync(folder);
      const path = join(folder, "mintmark.db");
      if (file !== undefined) {
        writeFileSync(path, "");
        chownSync(path, 1, NOBODY);
        chmodSync(path, file);
      }
      chownSync(folder, 0, NOBODY);
      chmodSync(folder, mode);
      const prepare = () => asMember(() => prepareDataDirectory(folder, "mintmark.db"));
      if (isUsable) expect(prepare()).toBe(folder);
      else
        expect(prepare).toThrow(
          /^[^\n]+ is accessible to all users and belongs to another user: let its owner run {2}chmod o-rwx [^\n]+$/,
        );
      expect(modeOf(folder)).toBe(mode.toString(8));
    },
  );
});

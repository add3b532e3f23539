import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { postgresRemedy } from "../../src/store/remedies.ts";
import { backUp } from "../../src/store/sqlite/backup.ts";
import { cannotOpen } from "../../src/store/sqlite/database-file.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

/** The contents of a folder, the data folder in it, and the message. */
const FOLDERS: Record<string, { prepare?: (folder: string) => void; name: string; said: RegExp }> = {
  "below a file": {
    prepare: (folder) => writeFileSync(join(folder, "file"), ""),
    name: "file/data",
    said: /^MINTMARK_DATA is .*, which cannot be used \(ENOTDIR\): a part of its path is a file: name a folder$/,
  },
  "with a name that is too long": {
    name: "x".repeat(300),
    said: /\(ENAMETOOLONG\): its name is too long: use a shorter one$/,
  },
  "behind links in a circle": {
    prepare: (folder) => symlinkSync(join(folder, "a"), join(folder, "a")),
    name: "a/data",
    said: /\(ELOOP\): its path has a loop of symbolic links/,
  },
  "with a folder for a database": {
    prepare: (folder) => mkdirSync(join(folder, "data/mintmark.db"), { recursive: true }),
    name: "data",
    said: /^The database .*mintmark\.db cannot be opened \(EISDIR\): it is a folder and should be a file/,
  },
  "with a folder for a database's lock": {
    prepare: (folder) => mkdirSync(join(folder, "data/mintmark.db.lock"), { recursive: true }),
    name: "data",
    said: /^The database .*mintmark\.db\.lock cannot be opened \(SQLITE_CANTOPEN\): .* check that it is a file$/,
  },
};

describe("a data folder", () => {
  it.each(Object.entries(FOLDERS))(
    "%s is refused in one line that says what to do",
    async (_, { prepare, name, said }) => {
      using folder = temporaryFolder();
      prepare?.(folder.path);
      const error = await openSqliteStore(join(folder.path, name)).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(StartError);
      expect((error as StartError).message).toMatch(said);
      expect((error as StartError).message).toMatch(/^[^\n]+$/);
    },
  );

  it("cannot be backed up to a path below a file, with a remedy in one line", async () => {
    using folder = temporaryFolder();
    await makeData(join(folder.path, "data"));
    writeFileSync(join(folder.path, "file"), "");
    const attempt = () => backUp(join(folder.path, "data"), join(folder.path, "file/copy.db"));
    expect(attempt).toThrow(
      /file\/copy\.db cannot be written \(ENOTDIR\): a part of its path is a file: name a folder$/,
    );
  });
});

const coded = (code: string) => Object.assign(new Error("canary"), { code });

describe("a code", () => {
  it.each([
    ["SQLITE_FULL", "its disk is full"],
    ["SQLITE_IOERR_FSYNC", "the disk failed or is full"],
    ["SQLITE_READONLY_DIRECTORY", "it is not writable"],
    ["SQLITE_CANTOPEN_ISDIR", "allow this user to read and write"],
    ["SQLITE_BUSY", "another program uses it"],
    ["SQLITE_CORRUPT_INDEX", "restore it from a backup"],
    ["SQLITE_NOTADB", "restore it from a backup"],
    ["ENOSPC", "its disk is full"],
    ["EROFS", "its file system is read-only"],
    ["EACCES", "allow this user to read and write"],
    ["EMFILE", "this process has too many open files"],
    ["EIO", "the disk failed"],
  ])("%s of a file follows its own sentence", (code, sentence) => {
    expect(cannotOpen("mintmark.db", coded(code)).message).toContain(
      `The database mintmark.db cannot be opened (${code}): ${sentence}`,
    );
  });

  const DEFAULT = "check that it runs, and check DATABASE_URL";
  it.each([
    ...[
      "28P01",
      "28000",
      "3D000",
      "42501",
      "53100",
      "53200",
      "53300",
      "57P01",
      "57P02",
      "57P03",
      "57P04",
      "57014",
      "25006",
    ],
    ...[
      "08000",
      "08001",
      "08003",
      "08004",
      "08006",
      "08P01",
      "22021",
      "22P05",
      "55P03",
      "58030",
      "XX000",
      "XX001",
      "40001",
    ],
    ...[
      "ECONNREFUSED",
      "ENOTFOUND",
      "EAI_AGAIN",
      "ETIMEDOUT",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "ECONNRESET",
      "EPIPE",
      "EACCES",
    ],
    ...[
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "CERT_HAS_EXPIRED",
    ],
    ...["ERR_TLS_CERT_ALTNAME_INVALID", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_NOT_YET_VALID", "EPROTO"],
    ...["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "ERR_OSSL_PEM_NO_START_LINE"],
  ])("%s of PostgreSQL follows its own sentence", (code) => {
    const said = postgresRemedy(coded(code));
    expect(said).toMatch(new RegExp(`^The database in DATABASE_URL cannot be used \\(${code}\\): \\S[^\\n]+$`));
    expect(said).not.toContain(DEFAULT);
    expect(said).not.toContain("canary");
  });

  it("that is unknown follows a general sentence", () => {
    expect(postgresRemedy(coded("F0000"))).toBe(`The database in DATABASE_URL cannot be used (F0000): ${DEFAULT}`);
    expect(postgresRemedy(new Error("canary"))).toBe(`The database in DATABASE_URL cannot be used: ${DEFAULT}`);
  });
});

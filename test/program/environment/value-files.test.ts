import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/program/config.ts";
import { configError } from "../../support/config-error.ts";
import { temporaryFolder } from "../../support/service.ts";

const KEK = Buffer.alloc(32, 7);
const SECRET = "canary-secret-of-more-than-32-bytes-length";
const POSTGRES = "postgres://mintmark:canary@db/mintmark";

type Row = {
  variable: string;
  value: string;
  config: object;
  beside?: Record<string, string>;
};

const ROWS: readonly Row[] = [
  { variable: "MINTMARK_SECRET", value: SECRET, config: { secret: SECRET } },
  { variable: "MINTMARK_KEK", value: KEK.toString("base64url"), config: { kek: KEK } },
  { variable: "MINTMARK_KEK", value: "none", config: { kek: undefined } },
  { variable: "MINTMARK_KEK_PREVIOUS", value: KEK.toString("base64"), config: { previousKek: KEK } },
  { variable: "MINTMARK_ADMIN_SECRET", value: SECRET, config: { adminSecret: SECRET } },
  {
    variable: "MINTMARK_CLIENT_SECRET",
    value: SECRET,
    config: { credentials: { clientId: "billing", clientSecret: SECRET } },
    beside: { MINTMARK_CLIENT_ID: "billing" },
  },
  {
    variable: "DATABASE_URL",
    value: POSTGRES,
    config: { databaseUrl: POSTGRES },
    beside: { MINTMARK_KEK: "none" },
  },
];
const VARIABLES = [...new Set(ROWS.map(({ variable }) => variable))];

/** Writes a file. Returns the environment that names it. */
function fileOf(folder: string, variable: string, content: string | Buffer): Record<string, string> {
  const path = join(folder, `${variable}-canary`);
  writeFileSync(path, content);
  return { [`${variable}_FILE`]: path };
}

function refusedFile(variable: string, fault: string): string {
  return `${variable}_FILE ${fault}: give the path of a file that holds the value of ${variable}`;
}

describe("a value in a file", () => {
  it.each(ROWS)(
    "is the value of $variable, without one line break at its end",
    ({ variable, value, config, beside }) => {
      using folder = temporaryFolder();
      for (const end of ["", "\n", "\r\n"]) {
        const environment = { ...beside, ...fileOf(folder.path, variable, value + end) };
        expect(readConfig(environment)).toMatchObject(config);
        // Templates leave a variable empty.
        expect(readConfig({ ...environment, [variable]: "" })).toMatchObject(config);
      }
    },
  );

  it("is read through a link, as Kubernetes mounts it", () => {
    using folder = temporaryFolder();
    const { MINTMARK_KEK_FILE: target = "" } = fileOf(folder.path, "MINTMARK_KEK", "none\n");
    const link = join(folder.path, "link");
    symlinkSync(target, link);
    expect(readConfig({ MINTMARK_KEK_FILE: link }).kek).toBeUndefined();
  });

  it.each(VARIABLES)("is refused where %s is set, too", (variable) => {
    using folder = temporaryFolder();
    const environment = { ...fileOf(folder.path, variable, SECRET), [variable]: SECRET };
    expect(configError(environment)).toBe(`${variable} and ${variable}_FILE are both set: unset one of them`);
  });

  it("is refused in one line for a path that names no readable file", () => {
    using folder = temporaryFolder();
    const fifo = join(folder.path, "fifo-canary");
    execFileSync("mkfifo", [fifo]);
    const subfolder = join(folder.path, "folder-canary");
    mkdirSync(subfolder);
    const at = (path: string) => configError({ MINTMARK_SECRET_FILE: path });
    const holding = (content: string | Buffer) => configError(fileOf(folder.path, "MINTMARK_SECRET", content));
    const refused = (fault: string) => refusedFile("MINTMARK_SECRET", fault);

    expect(at(SECRET)).toBe(refused("names no file that there is"));
    expect(at("a".repeat(5000))).toBe(refused("names a file that cannot be read (ENAMETOOLONG)"));
    expect(at(subfolder)).toBe(refused("names a folder"));
    expect(at(fifo)).toBe(refused("names a pipe or a device"));
    expect(at("/dev/zero")).toBe(refused("names a pipe or a device"));
    expect(holding("")).toBe(refused("names an empty file"));
    expect(holding("\n")).toBe(refused("names an empty file"));
    expect(holding("canary".repeat(20_000))).toBe(refused("names a file of more than 65536 bytes"));
    expect(holding(Buffer.from([0x63, 0xff, 0xfe]))).toBe(refused("names a file that is not UTF-8"));
    expect(at(" /canary")).toBe("MINTMARK_SECRET_FILE begins with white space: remove it");
  });

  it("is refused for a fault of its text, but for one line break at its end", () => {
    using folder = temporaryFolder();
    const holding = (content: string) => configError(fileOf(folder.path, "MINTMARK_SECRET", content));
    const name = "MINTMARK_SECRET (from MINTMARK_SECRET_FILE)";
    for (const end of ["\n\n", "\r\n\r\n", "\n\r\n", "\r"])
      expect(holding(SECRET + end)).toBe(`${name} ends with a line break: remove it`);
    expect(holding(`"${SECRET}"\n`)).toBe(`${name} begins with a quotation mark: remove it`);
    expect(holding(`${SECRET} \n`)).toBe(`${name} ends with white space: remove it`);
    for (const text of [`\uFEFF${SECRET}`, `\uFEFF${SECRET}\r\n`, "\uFEFF", "\uFEFFnone\n"])
      expect(holding(text)).toBe(`${name} begins with a byte order mark (U+FEFF): remove it`);
    expect(holding(`${SECRET}\uFEFF\n`)).toBe(`${name} ends with a byte order mark (U+FEFF): remove it`);
    expect(holding(`${SECRET}\n${SECRET}\n`)).toBe(`${name} has a line break within: remove it`);
  });

  it.each(VARIABLES)("of %s is refused by the names of the variable and its file", (variable) => {
    using folder = temporaryFolder();
    const absent = join(folder.path, "canary");
    expect(configError({ [`${variable}_FILE`]: absent })).toBe(refusedFile(variable, "names no file that there is"));
    expect(configError(fileOf(folder.path, variable, `${SECRET} \n`))).toBe(
      `${variable} (from ${variable}_FILE) ends with white space: remove it`,
    );
  });

  it("is validated like the value of the variable", () => {
    using folder = temporaryFolder();
    const refused = (variable: string) => configError(fileOf(folder.path, variable, "canary\n"));
    expect(refused("MINTMARK_KEK")).toMatch("MINTMARK_KEK (from MINTMARK_KEK_FILE) must be 32 bytes");
    expect(refused("DATABASE_URL")).toMatch("DATABASE_URL (from DATABASE_URL_FILE) must be a postgres:// URL");
    expect(refused("MINTMARK_ADMIN_SECRET")).toMatch(/^MINTMARK_ADMIN_SECRET .* must have at least 32 characters/);
    expect(refused("MINTMARK_SECRET")).toMatch("MINTMARK_SECRET has 6 bytes and needs at least 32");
    for (const variable of VARIABLES) expect(refused(variable)).not.toMatch(/canary|\n/);
  });

  it("is unset by an empty path, which is refused for a secret", () => {
    for (const variable of ["MINTMARK_SECRET", "MINTMARK_KEK", "MINTMARK_ADMIN_SECRET"])
      expect(configError({ [`${variable}_FILE`]: "" })).toBe(
        `${variable}_FILE is empty: give the path of a file, or unset it`,
      );
    expect(readConfig({ DATABASE_URL_FILE: "", MINTMARK_KEK_PREVIOUS_FILE: "" })).toEqual(readConfig({}));
  });
});

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StartError } from "../../../src/errors.ts";
import { readConfig } from "../../../src/program/config.ts";
import { temporaryFolder } from "../../support/service.ts";

const KEK = Buffer.alloc(32, 7);
const SECRET = "canary-secret-of-more-than-32-bytes-length";
const POSTGRES = "postgres://mintmark:canary@db/mintmark";

type Row = {
  variable: string;
  value: string;
  /** What the configuration then has. */
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

/** Writes a file, and gives what sets the variable to it. */
function fileOf(folder: string, variable: string, content: string | Buffer): Record<string, string> {
  const path = join(folder, `${variable}-canary`);
  writeFileSync(path, content);
  return { [`${variable}_FILE`]: path };
}

function refusalOf(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "none";
}

describe("a value in a file", () => {
  it.each(ROWS)("is that of $variable, but for one line break at its end", ({ variable, value, config, beside }) => {
    using folder = temporaryFolder();
    for (const end of ["", "\n", "\r\n"]) {
      const environment = { ...beside, ...fileOf(folder.path, variable, value + end) };
      expect(readConfig(environment)).toMatchObject(config);
      // What templates leave empty does not stand in its way.
      expect(readConfig({ ...environment, [variable]: "" })).toMatchObject(config);
    }
  });

  it("may be reached by a link, as Kubernetes mounts it", () => {
    using folder = temporaryFolder();
    const { MINTMARK_KEK_FILE: target = "" } = fileOf(folder.path, "MINTMARK_KEK", "none\n");
    const link = join(folder.path, "link");
    symlinkSync(target, link);
    expect(readConfig({ MINTMARK_KEK_FILE: link }).kek).toBeUndefined();
  });

  it.each(VARIABLES)("is refused where %s is set as well", (variable) => {
    using folder = temporaryFolder();
    const environment = { ...fileOf(folder.path, variable, SECRET), [variable]: SECRET };
    expect(refusalOf(environment)).toBe(`${variable} and ${variable}_FILE are both set: unset one of them`);
  });

  it.each(VARIABLES)("is refused in one line where the file of %s is of no use", (variable) => {
    using folder = temporaryFolder();
    const fifo = join(folder.path, "fifo-canary");
    execFileSync("mkfifo", [fifo]);
    const subfolder = join(folder.path, "folder-canary");
    mkdirSync(subfolder);
    const at = (path: string) => refusalOf({ [`${variable}_FILE`]: path });
    const holding = (content: string | Buffer) => refusalOf(fileOf(folder.path, variable, content));
    const wanted = `: give the path of a file that holds the value of ${variable}`;
    const refused = (fault: string) => `${variable}_FILE ${fault}${wanted}`;

    expect(at(join(folder.path, "canary"))).toBe(refused("names no file that there is"));
    expect(at(SECRET)).toBe(refused("names no file that there is"));
    expect(at("a".repeat(5000))).toBe(refused("names a file that cannot be read (ENAMETOOLONG)"));
    expect(at(subfolder)).toBe(refused("names a folder"));
    expect(at(fifo)).toBe(refused("names a pipe or a device"));
    expect(at("/dev/zero")).toBe(refused("names a pipe or a device"));
    expect(holding("")).toBe(refused("names an empty file"));
    expect(holding("\n")).toBe(refused("names an empty file"));
    expect(holding("canary".repeat(20_000))).toBe(refused("names a file of more than 65536 bytes"));
    expect(holding(Buffer.from([0x63, 0xff, 0xfe]))).toBe(refused("names a file that is not UTF-8"));
    expect(at(" /canary")).toBe(`${variable}_FILE begins with white space: remove it`);
  });

  it.each(VARIABLES)("is refused for what is around it, by the names of %s and its file", (variable) => {
    using folder = temporaryFolder();
    const holding = (content: string) => refusalOf(fileOf(folder.path, variable, content));
    const name = `${variable} (from ${variable}_FILE)`;
    for (const end of ["\n\n", "\r\n\r\n", "\n\r\n", "\r"])
      expect(holding(SECRET + end)).toBe(`${name} ends with a line break: remove it`);
    expect(holding(`"${SECRET}"\n`)).toBe(`${name} begins with a quotation mark: remove it`);
    expect(holding(`${SECRET} \n`)).toBe(`${name} ends with white space: remove it`);
    for (const text of [`\uFEFF${SECRET}`, `\uFEFF${SECRET}\r\n`, "\uFEFF", "\uFEFFnone\n"])
      expect(holding(text)).toBe(`${name} begins with a byte order mark (U+FEFF): remove it`);
    expect(holding(`${SECRET}\uFEFF\n`)).toBe(`${name} ends with a byte order mark (U+FEFF): remove it`);
    expect(holding(`${SECRET}\n${SECRET}\n`)).toBe(`${name} has a line break within: remove it`);
  });

  it("is checked as that of its variable is", () => {
    using folder = temporaryFolder();
    const refused = (variable: string) => refusalOf(fileOf(folder.path, variable, "canary\n"));
    expect(refused("MINTMARK_KEK")).toMatch("MINTMARK_KEK (from MINTMARK_KEK_FILE) must be 32 bytes");
    expect(refused("DATABASE_URL")).toMatch("DATABASE_URL (from DATABASE_URL_FILE) must be a postgres:// URL");
    expect(refused("MINTMARK_ADMIN_SECRET")).toMatch(/^MINTMARK_ADMIN_SECRET .* must have at least 32 characters/);
    expect(refused("MINTMARK_SECRET")).toMatch("MINTMARK_SECRET has 6 bytes and needs at least 32");
    for (const variable of VARIABLES) expect(refused(variable)).not.toMatch(/canary|\n/);
  });

  it("is none where the path is empty, which is refused for what would be without a secret", () => {
    for (const variable of ["MINTMARK_SECRET", "MINTMARK_KEK", "MINTMARK_ADMIN_SECRET"])
      expect(refusalOf({ [`${variable}_FILE`]: "" })).toBe(
        `${variable}_FILE is empty: give the path of a file, or unset it`,
      );
    expect(readConfig({ DATABASE_URL_FILE: "", MINTMARK_KEK_PREVIOUS_FILE: "" })).toEqual(readConfig({}));
  });
});

import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/program/config.ts";
import { settings } from "../../../src/program/settings.ts";
import { configError } from "../../support/config-error.ts";

const KEK = Buffer.alloc(32, 7);
const SECRET = "a-secret-of-more-than-32-bytes-in-length";

const PROVIDER = {
  MINTMARK_SIGN_IN_ISSUER: "https://accounts.example",
  MINTMARK_SIGN_IN_CLIENT_ID: "mintmark",
  MINTMARK_SIGN_IN_CLIENT_SECRET: SECRET,
};

/** A valid value of each variable, and the variables that it needs. */
const VALID: Record<string, { value: string; beside?: Record<string, string> }> = {
  HOST: { value: "127.0.0.1" },
  PORT: { value: "3000" },
  MINTMARK_ISSUER: { value: "https://tokens.example" },
  MINTMARK_AUDIENCE: { value: "orders" },
  MINTMARK_DATA: { value: "/var/lib/mintmark" },
  DATABASE_URL: { value: "postgres://a:b@c/d", beside: { MINTMARK_KEK: "none" } },
  MINTMARK_ALG: { value: "ES256" },
  MINTMARK_SECRET: { value: SECRET },
  MINTMARK_KEK: { value: KEK.toString("base64url") },
  MINTMARK_KEK_PREVIOUS: { value: KEK.toString("base64url") },
  MINTMARK_TTL: { value: "60" },
  MINTMARK_MAX_TTL: { value: "3600" },
  MINTMARK_ROTATION: { value: "86400" },
  MINTMARK_REFRESH_TTL: { value: "86400" },
  MINTMARK_REFRESH_IDLE: { value: "3600" },
  MINTMARK_REPLAY_WINDOW: { value: "10" },
  MINTMARK_AUDIT_RETENTION: { value: "86400" },
  MINTMARK_ACCESS: { value: "clients" },
  MINTMARK_ADMIN_SECRET: { value: SECRET },
  MINTMARK_RATE_ISSUE: { value: "10" },
  MINTMARK_RATE_ISSUE_ADDRESS: { value: "10" },
  MINTMARK_RATE_VERIFY: { value: "10" },
  MINTMARK_RATE_VERIFY_ADDRESS: { value: "10" },
  MINTMARK_TRUST_PROXY: { value: "loopback", beside: { MINTMARK_ACCESS: "clients" } },
  MINTMARK_ORIGINS: { value: "https://app.example", beside: { MINTMARK_ACCESS: "clients" } },
  MINTMARK_CLIENT_ID: { value: "billing", beside: { MINTMARK_CLIENT_SECRET: SECRET } },
  MINTMARK_CLIENT_SECRET: { value: SECRET, beside: { MINTMARK_CLIENT_ID: "billing" } },
  MINTMARK_KEEP_ALIVE: { value: "75" },
  MINTMARK_DRAIN: { value: "10" },
  MINTMARK_WORKERS: { value: "10" },
  MINTMARK_LOG_LEVEL: { value: "warn" },
  MINTMARK_SIGN_IN_ISSUER: { value: PROVIDER.MINTMARK_SIGN_IN_ISSUER, beside: PROVIDER },
  MINTMARK_SIGN_IN_CLIENT_ID: { value: "mintmark", beside: PROVIDER },
  MINTMARK_SIGN_IN_CLIENT_SECRET: { value: SECRET, beside: PROVIDER },
  MINTMARK_SIGN_IN_URL: { value: "https://app.example/login" },
  MINTMARK_SESSION_TTL: { value: "86400" },
  MINTMARK_REGISTRATION: { value: "open" },
  MINTMARK_TITLE: { value: "Acme" },
  MINTMARK_LOGO: { value: "https://acme.example/logo.svg" },
  MINTMARK_COLOUR: { value: "#336699" },
};

/** What shells, files, forms and documents add around a value, and its name in the message. */
const ADDED: readonly (readonly [added: string, name: string])[] = [
  ["\n", "a line break"],
  ["\r\n", "a line break"],
  ["\r", "a line break"],
  ["\u2028", "a line break"],
  ["\u0085", "a line break"],
  [" ", "white space"],
  ["\t", "white space"],
  ["\u00A0", "white space"],
  ["\u3000", "white space"],
  ["\0", "a control character"],
  ["\x1b", "a control character"],
  ["\x7f", "a control character"],
  ["\u009f", "a control character"],
  ["\uFEFF", "a byte order mark (U+FEFF)"],
  ["\u200B", "an invisible character"],
  ["\u200E", "an invisible character"],
  ["\u00AD", "an invisible character"],
  ["\u3164", "an invisible character"],
  ['"', "a quotation mark"],
  ["'", "a quotation mark"],
  ["`", "a quotation mark"],
  ["\u201C", "a quotation mark"],
  ["\u201D", "a quotation mark"],
  ["\u2019", "a quotation mark"],
  ["\u00AB", "a quotation mark"],
];

describe("the text of a value", () => {
  const NAME = "MINTMARK_SECRET";
  const errorOf = (text: string) => configError({ [NAME]: text });

  it.each(ADDED)("is refused with %j around it, which is %s", (added, called) => {
    const first = `${NAME} begins with ${added === "\r\n" ? "a line break" : called}: remove it`;
    expect(errorOf(added + SECRET)).toBe(first);
    expect(errorOf(SECRET + added)).toBe(`${NAME} ends with ${called}: remove it`);
    expect(errorOf(added + SECRET + added)).toBe(first);
    expect(errorOf(added)).toBe(first);
  });

  it.each([
    [["\n", "\r", "\r\n", "\u2028"], "has a line break within: remove it"],
    [["\0", "\t", "\x07", "\x7f"], "has a control character within: remove it"],
    [["\uFFFD", "\uD800"], "has bytes that are not UTF-8: write it again"],
    [["$(NAME)", "$" + "{NAME}"], "has a reference to another variable that nothing replaced: write the value itself"],
  ])("is refused with %j within", (inserted, fault) => {
    for (const one of inserted) expect(errorOf(SECRET.slice(0, 1) + one + SECRET.slice(1))).toBe(`${NAME} ${fault}`);
  });
});

describe("a variable", () => {
  it("has a valid value in this table", () => {
    expect(Object.keys(VALID).sort()).toEqual(Object.keys(settings).sort());
  });

  it.each(Object.entries(VALID))("%s is accepted, and refused by name for a fault of its text", (name, valid) => {
    const errorOf = (text: string) => configError({ ...valid.beside, [name]: text });
    expect(errorOf(valid.value)).toBe("none");
    expect(errorOf(`"${valid.value}"`)).toBe(`${name} begins with a quotation mark: remove it`);
    expect(errorOf(`${valid.value}\n`)).toBe(`${name} ends with a line break: remove it`);
    expect(errorOf(`${valid.value.slice(0, 1)}\t${valid.value.slice(1)}`)).toBe(
      `${name} has a control character within: remove it`,
    );
  });
});

describe("a key-encryption key", () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at * 3));
  const url = bytes.toString("base64url");

  it.each([
    ["base64url", url],
    ["base64url with padding", `${url}=`],
    ["base64", bytes.toString("base64")],
    ["base64 without padding", bytes.toString("base64").replace("=", "")],
    ["hex", bytes.toString("hex")],
    ["hex in capitals", bytes.toString("hex").toUpperCase()],
  ])("is the same in %s", (_, text) => {
    for (const name of ["MINTMARK_KEK", "MINTMARK_KEK_PREVIOUS"]) {
      const { kek, previousKek } = readConfig({ [name]: text });
      expect((kek ?? previousKek)?.equals(bytes)).toBe(true);
    }
  });

  it.each([
    ["a stray character", `${url.slice(0, 20)}!${url.slice(20)}`],
    ["a space within", `${url.slice(0, 20)} ${url.slice(20)}`],
    ["padding within", `${url.slice(0, 20)}=${url.slice(20)}`],
    ["padding twice", `${url}==`],
    ["bits that no byte has", `${url.slice(0, -1)}${url.endsWith("B") ? "C" : "B"}`],
    ["31 bytes", bytes.subarray(1).toString("base64url")],
    ["33 bytes", Buffer.concat([bytes, Buffer.of(1)]).toString("base64url")],
    ["hex of 31 bytes", bytes.subarray(1).toString("hex")],
    ["hex with a stray letter", `${bytes.toString("hex").slice(0, -1)}g`],
    ["capitals of none", "NONE"],
  ])("is refused for %s", (_, text) => {
    for (const name of ["MINTMARK_KEK", "MINTMARK_KEK_PREVIOUS"])
      expect(configError({ [name]: text })).toMatch(`${name} must be 32 bytes in base64url, base64 or hex`);
  });
});

describe("HOST", () => {
  it.each([
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["[::]", "::"],
    ["LOCALHOST", "localhost"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["my_host.internal", "my_host.internal"],
    ["tokens-1", "tokens-1"],
  ])("%s is listened on as %s", (host, plain) => {
    expect(readConfig({ HOST: host, MINTMARK_ISSUER: "https://tokens.example" }).host).toBe(plain);
  });

  it("is a loopback address with and without brackets", () => {
    expect(readConfig({ HOST: "[::1]" })).toMatchObject({ host: "::1", access: "open" });
  });
});

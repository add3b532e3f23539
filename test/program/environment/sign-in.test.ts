import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/program/config.ts";
import { configError } from "../../support/config-error.ts";

const PROVIDER = {
  MINTMARK_SIGN_IN_ISSUER: "https://accounts.example",
  MINTMARK_SIGN_IN_CLIENT_ID: "mintmark",
  MINTMARK_SIGN_IN_CLIENT_SECRET: "canary",
};
const URL_OF_APPLICATION = { MINTMARK_SIGN_IN_URL: "https://app.example/login" };
const SHARED_SECRET = { MINTMARK_SECRET: "canary-secret-of-more-than-32-bytes-length" };
const PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";

describe("how people sign in", () => {
  it.each([
    [{}, undefined],
    [PROVIDER, { provider: { issuer: "https://accounts.example", clientId: "mintmark", clientSecret: "canary" } }],
    [URL_OF_APPLICATION, { url: "https://app.example/login" }],
    [{ MINTMARK_SIGN_IN_URL: "http://localhost:5173/login" }, { url: "http://localhost:5173/login" }],
  ])("is read of %j", (environment, signIn) => {
    expect(readConfig(environment).signIn).toEqual(signIn);
  });

  it("may be by http from loopback, to loopback, and not from elsewhere", () => {
    const local = { ...PROVIDER, MINTMARK_SIGN_IN_ISSUER: "http://127.0.0.1:9000" };
    expect(configError(local)).toBe("none");
    expect(configError({ ...local, MINTMARK_ISSUER: "http://127.0.0.1:3000" })).toBe("none");
    expect(configError({ ...local, MINTMARK_ISSUER: "http://tokens.example" })).toBe(
      "MINTMARK_ISSUER must be an https URL where MINTMARK_SIGN_IN_ISSUER is set: the cookie of a sign-in session is sent by https alone, but for loopback",
    );
  });

  it.each<[environment: Record<string, string>, error: string]>([
    [{ ...PROVIDER, ...URL_OF_APPLICATION }, "MINTMARK_SIGN_IN_ISSUER and MINTMARK_SIGN_IN_URL exclude each other"],
    [
      { MINTMARK_SIGN_IN_CLIENT_ID: "mintmark", ...URL_OF_APPLICATION },
      "MINTMARK_SIGN_IN_CLIENT_ID and MINTMARK_SIGN_IN_URL exclude each other",
    ],
    [{ ...PROVIDER, ...SHARED_SECRET }, "MINTMARK_SIGN_IN_ISSUER and MINTMARK_SECRET exclude each other"],
    [{ ...URL_OF_APPLICATION, ...SHARED_SECRET }, "MINTMARK_SIGN_IN_URL and MINTMARK_SECRET exclude each other"],
    [
      { MINTMARK_SIGN_IN_ISSUER: "https://accounts.example" },
      "MINTMARK_SIGN_IN_CLIENT_ID and MINTMARK_SIGN_IN_CLIENT_SECRET must be set where MINTMARK_SIGN_IN_ISSUER is",
    ],
    ...Object.keys(PROVIDER).map((missing): [Record<string, string>, string] => [
      Object.fromEntries(Object.entries(PROVIDER).filter(([variable]) => variable !== missing)),
      `${missing} must be set where MINTMARK_SIGN_IN_`,
    ]),
    [{ ...PROVIDER, MINTMARK_SIGN_IN_CLIENT_SECRET: "" }, "MINTMARK_SIGN_IN_CLIENT_SECRET must not be empty"],
    ...["MINTMARK_SIGN_IN_ISSUER", "MINTMARK_SIGN_IN_URL"].flatMap((variable) =>
      ["http://accounts.canary", "ftp://canary", "canary", "https://canary/?q", "https://a:b@canary", "//canary"].map(
        (url): [Record<string, string>, string] => [{ [variable]: url }, `${variable} must be an https URL`],
      ),
    ),
    [{ MINTMARK_SESSION_TTL: "0" }, "MINTMARK_SESSION_TTL must be at least 1 second"],
  ])("is refused of %j", (environment, error) => {
    expect(configError(environment)).toMatch(new RegExp(`^${error}`));
    expect(configError(environment)).not.toContain("canary");
  });
});

describe("how the pages look", () => {
  it("is the title, the logo and the colour", () => {
    const environment = { MINTMARK_TITLE: "Acme", MINTMARK_LOGO: PIXEL, MINTMARK_COLOUR: "#0a7F3c" };
    expect(readConfig(environment).theme).toEqual({ title: "Acme", logo: PIXEL, colour: "#0a7F3c" });
    expect(readConfig({ MINTMARK_LOGO: "https://acme.example/logo.svg" }).theme.logo).toMatch(/^https:/);
  });

  it.each([
    ["MINTMARK_TITLE", "a".repeat(61)],
    ["MINTMARK_TITLE", "Ac\u202eme"],
    ["MINTMARK_LOGO", "http://acme.example/logo.svg"],
    ["MINTMARK_LOGO", "javascript:alert(1)"],
    ["MINTMARK_LOGO", "data:text/html,<script>"],
    ["MINTMARK_LOGO", "data:image/svg+xml,<svg onload='x'>"],
    ["MINTMARK_LOGO", `${PIXEL}${"A".repeat(65_536)}`],
    ["MINTMARK_LOGO", "https://acme.example/logo.svg;script-src *"],
    ["MINTMARK_COLOUR", "red"],
    ["MINTMARK_COLOUR", "#fff"],
    ["MINTMARK_COLOUR", "#ffffff;background:url(https://x)"],
  ])("is not what %s=%s says", (variable, value) => {
    expect(configError({ [variable]: value })).toMatch(new RegExp(`^${variable} must`));
  });
});

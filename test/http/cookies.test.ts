import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createBrowserCookies } from "../../src/http/sign-in/cookies.ts";

const value = randomBytes(32).toString("base64url");
const SESSION = `__Host-mintmark-session=${value}`;
const NONE = { session: undefined, key: undefined };

describe("the cookies of a browser", () => {
  const cookies = createBrowserCookies("https://id.example");

  it.each([SESSION, `a=1; ${SESSION}; b=2`, `a=1;${SESSION}`, `a=1;\t ${SESSION}`])("are read from %j", (header) => {
    expect(cookies?.read(header)).toEqual({ session: value, key: undefined });
  });

  // Browsers refuse the prefix to other hosts, and none of these names has it.
  it.each(["\u00a0", "\u000b", "\u000c", "\ufeff", "\u2000", "\u0085", "\u0001", "=", "a", '"'])(
    "are not those of another name: %j before it",
    (before) => {
      expect(cookies?.read(`${before}${SESSION}`)).toEqual(NONE);
      expect(cookies?.read(`a=1; ${before}${SESSION}`)).toEqual(NONE);
      expect(cookies?.read(`${before}${SESSION}; ${SESSION}`)).toEqual({ session: value, key: undefined });
    },
  );

  it.each([`${SESSION}; ${SESSION}`, `${SESSION};${SESSION}x`, `__host-mintmark-session=${value}`, `"${SESSION}"`])(
    "are none in %j",
    (header) => {
      expect(cookies?.read(header)).toEqual(NONE);
    },
  );
});

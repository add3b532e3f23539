import { describe, expect, it } from "vitest";
import { isAbsoluteUri } from "../../src/token/absolute-uri.ts";

describe("isAbsoluteUri", () => {
  it.each([
    "https://api.example",
    "https://api.example/",
    "https://api.example:8443/mcp/v1?tenant=a&b=/?",
    "http://localhost:8080/mcp",
    "http://[::1]:8080/mcp",
    "HTTPS://API.EXAMPLE/%7Euser",
    "urn:example:files",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "tag:example.com,2026:files",
    "com.example.app:/tools",
    "spiffe://example.org/tools",
  ])("accepts %s (RFC 8707 §2)", (text) => {
    expect(isAbsoluteUri(text)).toBe(true);
  });

  it.each([
    "",
    "mcp",
    "/mcp",
    "//api.example/mcp",
    "api.example/mcp",
    "?a",
    "#a",
    ":a",
    "urn:",
    "1urn:a",
    "https://api.example/mcp#",
    "https://api.example/mcp#tools",
    "urn:example:files#a",
    "https:",
    "https://",
    "https:api.example",
    "https:/api.example",
    "https:///mcp",
    "https://?a",
    "https://user@api.example",
    "https://user:password@api.example",
    "https://api.example:99999",
    "https://[::1/mcp",
    "https://api.example/a b",
    " https://api.example",
    "https://api.example\n",
    "https://api.example\\mcp",
    "https://api.example/%",
    "https://api.example/%zz",
    "https://api.example/é",
    "https://äpi.example",
    "urn:example:\u202Efiles",
    'urn:"a"',
    "urn:<a>",
    "urn:{a}",
    "*",
  ])("refuses %j", (text) => {
    expect(isAbsoluteUri(text)).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { addResource, MCP, newResource } from "../support/resources.ts";
import { NOW, openService } from "../support/service.ts";

async function openProcedures() {
  const opened = await openService();
  const { resources } = createTokenRouter(opened.service).createCaller({ authenticate: async () => localCaller });
  return { ...opened, resources };
}

const scopesOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`a:${at}`, "A"]));

/** Fields of a resource at the ends of their ranges. */
const ACCEPTED: [name: string, fields: object][] = [
  ["a URN", { audience: "urn:example:files" }],
  ["an audience of 255 characters", { audience: `urn:${"a".repeat(251)}` }],
  ["a name of 100 characters", { name: "é".repeat(100) }],
  ["a description of 200 characters", { scopes: { a: "é".repeat(200) } }],
  ["a scope token with every kind of character", { scopes: { "!#[]~:/=": "Odd" } }],
  ["100 scopes", { scopes: scopesOf(100) }],
];

type Refused = [name: string, fields: object, path: RegExp];

const REFUSED: Refused[] = [
  ["no audience", { audience: undefined }, /^audience$/],
  ["a relative audience", { audience: "/mcp" }, /^audience$/],
  ["an audience with a fragment", { audience: `${MCP}#a` }, /^audience$/],
  ["an audience of 256 characters", { audience: `urn:${"a".repeat(252)}` }, /^audience$/],
  ["no name", { name: undefined }, /^name$/],
  ["an empty name", { name: "" }, /^name$/],
  ["a name of spaces", { name: " \u00A0" }, /^name$/],
  ["a name with a direction mark", { name: "a\u202Eb" }, /^name$/],
  ["a name of 101 characters", { name: "a".repeat(101) }, /^name$/],
  ["a scope with a space", { scopes: { "a b": "A" } }, /^scopes\./],
  ["a scope with a quote", { scopes: { 'a"': "A" } }, /^scopes\./],
  ["an empty scope", { scopes: { "": "A" } }, /^scopes\./],
  ["a scope without a description", { scopes: { a: "" } }, /^scopes\.a$/],
  ["an invisible description", { scopes: { a: "\u200B" } }, /^scopes\.a$/],
  ["a description with a direction mark", { scopes: { a: "read\u202Eetirw" } }, /^scopes\.a$/],
  ["a description of 201 characters", { scopes: { a: "a".repeat(201) } }, /^scopes\.a$/],
  ["a description that is no text", { scopes: { a: 1 } }, /^scopes\.a$/],
  ["101 scopes", { scopes: scopesOf(101) }, /^scopes$/],
  ...["__proto__", "constructor", "prototype", "toJSON"].map(
    (name): Refused => [`a scope ${name}`, { scopes: Object.fromEntries([[name, "A"]]) }, /^scopes$/],
  ),
  ["a list of scopes", { scopes: ["a"] }, /^scopes$/],
  ["an unknown field", { firstParty: true }, /^$/],
  ["a word for open", { open: "yes" }, /^open$/],
];

describe("resources.create", () => {
  it("needs an audience and a name; has no scopes and is not open unless it says so", async () => {
    await using opened = await openProcedures();
    const created = await opened.resources.create({ audience: MCP, name: "tools" });
    expect(created).toEqual({ audience: MCP, name: "tools", scopes: {}, open: false, createdAt: NOW });
    expect(await opened.resources.list()).toEqual([created]);
  });

  it.each(ACCEPTED)("accepts %s", async (_, fields) => {
    await using opened = await openProcedures();
    const resource = newResource(fields);
    expect(await opened.resources.create(resource)).toEqual({ ...resource, createdAt: NOW });
  });

  it.each(REFUSED)("refuses %s, and names the field", async (_, fields, path) => {
    await using opened = await openProcedures();
    const refused = await opened.resources.create({ ...newResource(), ...fields }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "BAD_REQUEST" });
    const { issues } = (refused as { cause: { issues: { path: string[] }[] } }).cause;
    const paths = new Set(issues.map((issue) => issue.path.join(".")));
    expect([...paths]).toEqual([expect.stringMatching(path)]);
    expect(await opened.resources.list()).toEqual([]);
  });
});

describe("resources.remove", () => {
  it("removes the resource with exactly this audience", async () => {
    await using opened = await openProcedures();
    await addResource(opened.service);
    for (const audience of [`${MCP}/`, "mcp"])
      await expect(opened.resources.remove({ audience })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await opened.resources.remove({ audience: MCP })).toEqual({ audience: MCP });
    expect(await opened.resources.list()).toEqual([]);
  });
});

describe("getToken and refreshToken", () => {
  it("take no resources: these are for the OAuth endpoints", async () => {
    await using opened = await openService();
    const router = createTokenRouter(opened.service).createCaller({ authenticate: async () => localCaller });
    const resources = [MCP];
    // @ts-expect-error -- not in the type of the input either.
    await expect(router.getToken({ resources })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    // @ts-expect-error -- as above.
    const refreshed = router.refreshToken({ refreshToken: "x", resources });
    await expect(refreshed).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

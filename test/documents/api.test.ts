import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { textOf } from "../support/documents.ts";
import { ENTRIES, exportsOf, OPTIONS, optionsOf, proceduresOf } from "../support/public-api.ts";
import { openService } from "../support/service.ts";

const page = textOf("docs/api.md");

/** The names in the first column of the tables below a heading. */
function namesBelow(heading: string): string[] {
  const [, section = ""] = page.split(`\n### \`${heading}\`\n`);
  return [...(section.split(/\n##+ /)[0] ?? "").matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name).sort();
}

describe("the page on the API", () => {
  it("has every procedure with its kind, input, output and reasons", async () => {
    await using opened = await openService();
    const rows = [...page.matchAll(/^\| `([\w.]+)` \| (query|mutation|subscription) \|.*$/gm)].map(([row]) => row);
    const wanted = proceduresOf(createTokenRouter(opened.service)).map(
      ({ name, type, summary, input, output, reasons }) =>
        `| \`${name}\` | ${type} | ${summary} | ${input} | ${output} | ${reasons} |`,
    );
    expect(rows).toEqual(wanted);
  });

  it.each(Object.entries(ENTRIES))("has every export of %s, and no other", (entry, source) => {
    expect(namesBelow(entry)).toEqual(exportsOf(source));
  });

  it.each(Object.entries(OPTIONS))("has every option of %s, and no other", (type, source) => {
    expect(namesBelow(type)).toEqual(optionsOf(type, source));
  });
});

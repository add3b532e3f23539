import { expect, it } from "vitest";
import { catalogue } from "../../src/errors.ts";
import { explanations } from "../../src/http/pages/explanations.ts";
import { textOf } from "../support/documents.ts";

it("the page on errors has every reason of the catalogue with its HTTP status, once, and no other", () => {
  const rows = [...textOf("docs/errors.md").matchAll(/^\| `(\w+)` \| (\d+) \| [^|]{10,} \| [^|]{5,} \|$/gm)];
  const wanted = Object.entries(catalogue).map(([reason, { status }]) => `${reason}: ${status}`);
  expect(rows.map(([, reason, status]) => `${reason}: ${status}`).sort()).toEqual(wanted.sort());
});

it("the pages explain every reason in the words of the page on errors", () => {
  const withoutLinks = (text = "") => text.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1");
  const rows = [...textOf("docs/errors.md").matchAll(/^\| `(\w+)` \| \d+ \| ([^|]+) \| ([^|]+) \|$/gm)];
  const written = rows.map(([, reason, meaning, remedy]) => [
    reason,
    { meaning: withoutLinks(meaning), remedy: withoutLinks(remedy) },
  ]);
  expect(explanations).toEqual(Object.fromEntries(written));
});

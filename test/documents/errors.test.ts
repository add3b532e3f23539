import { expect, it } from "vitest";
import { catalogue } from "../../src/errors.ts";
import { textOf } from "../support/documents.ts";

it("the page on errors has every reason of the catalogue with its HTTP status, once, and no other", () => {
  const rows = [...textOf("docs/errors.md").matchAll(/^\| `(\w+)` \| (\d+) \| [^|]{10,} \| [^|]{5,} \|$/gm)];
  const wanted = Object.entries(catalogue).map(([reason, { status }]) => `${reason}: ${status}`);
  expect(rows.map(([, reason, status]) => `${reason}: ${status}`).sort()).toEqual(wanted.sort());
});

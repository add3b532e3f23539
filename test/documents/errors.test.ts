import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/documents.ts";
import { errorsPage } from "../support/errors-page.ts";

it("docs/errors.md is what the catalogue and its explanations say; `npm run docs` writes it", async () => {
  await expect(errorsPage()).toMatchFileSnapshot(join(ROOT, "docs/errors.md"));
});

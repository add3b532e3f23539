import { join } from "node:path";
import { expect, it } from "vitest";
import { configurationPage } from "./support/configuration-page.ts";

it("docs/configuration.md is what the table of settings says; `npm run docs` writes it", async () => {
  await expect(configurationPage()).toMatchFileSnapshot(join(import.meta.dirname, "../docs/configuration.md"));
});

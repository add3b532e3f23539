import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { hasChromium, openPage } from "../support/browser.ts";
import { guarded } from "../support/children.ts";
import { testWith } from "../support/optional.ts";
import { signIn } from "../support/site.ts";

const test = testWith({
  program: "Chromium",
  found: hasChromium,
  required: process.env.MINTMARK_TEST_BROWSER === "required",
});

const ROOT = join(import.meta.dirname, "../..");

test("npm run demo says what to click, and ends when the tokens are refused", async () => {
  const words = ["--import", "tsx", "scripts/demo/demo.ts", "--you"];
  const env = { PATH: process.env.PATH };
  const child = guarded(spawn(process.execPath, words, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"] }));
  const ended = once(child, "exit");
  await using browser = await openPage({ insecure: true });
  const { page: tab } = browser;
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const [url] = /https:\S+/.exec(line) ?? [];
    if (line.includes("enter a name")) {
      await tab.goto(url ?? "");
      await signIn(tab);
      await tab.getByText("shop: hello, ada").waitFor();
    } else if (line.includes("another tab")) {
      const second = await tab.context().newPage();
      await second.goto(url ?? "");
      await second.getByText("bank: hello, ada").waitFor();
    } else if (line.startsWith("→ Press")) {
      // Only the front tab renders frames, which a click needs.
      await tab.bringToFront();
      await tab.getByRole("button", { name: "Log out" }).click();
      await tab.getByText("you are logged out, everywhere").waitFor();
    }
  }
  expect(await ended).toEqual([0, null]);
  expect(lines.filter((line) => /^ +\d+\.\d ms {2}/.test(line))).toHaveLength(5);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { guarded } from "../support/children.ts";
import { hasExtra } from "../support/document-code.ts";
import { ROOT } from "../support/documents.ts";
import { testWith } from "../support/optional.ts";
import { openWebBrowser } from "../support/web-browser.ts";

testWith({ program: "test/mcp", found: hasExtra("mcp"), required: process.env.MINTMARK_TEST_MCP === "required" })(
  "npm run demo -- mcp connects a client, calls a tool, and disconnects the client on a page of a product",
  async () => {
    const words = ["--import", "tsx", "scripts/demo/demo.ts", "mcp", "--you", "--built"];
    const env = { PATH: process.env.PATH };
    const child = guarded(spawn(process.execPath, words, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"] }));
    const ended = once(child, "exit");
    const visitor = openWebBrowser();
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      const [url = ""] = /http:[^\s,]+/.exec(line) ?? [];
      if (line.includes("enter ada")) {
        const consent = await visitor.submit(await visitor.open(url), { subject: "ada" });
        const { text } = await visitor.submit(consent, { decision: "allow" });
        expect(text).toContain("The application is connected");
      } else if (line.includes("Disconnect")) {
        const page = await visitor.open(url);
        expect(page.text).toContain("Assistant");
        const [, client = ""] = /name="client" value="([^"]*)"/.exec(page.text) ?? [];
        expect((await visitor.submit(page, { client })).text).toContain("None");
      }
    }
    expect(await ended).toEqual([0, null]);
    expect(lines.filter((line) => /^ +\d+\.\d ms {2}/.test(line))).toHaveLength(7);
    expect(lines.join("")).toMatch(/it said: .*Hello, ada.*refused/);
  },
);

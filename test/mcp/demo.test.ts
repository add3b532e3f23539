import { afterEach, expect, vi } from "vitest";
import { demonstrate } from "../../scripts/demo/mcp.ts";
import { openVisitor } from "../support/cookie-jar.ts";
import { hasExtra } from "../support/document-code.ts";
import { testWith } from "../support/optional.ts";

afterEach(() => vi.restoreAllMocks());

testWith({ program: "test/mcp", found: hasExtra("mcp"), required: process.env.MINTMARK_TEST_MCP === "required" })(
  "npm run demo -- mcp connects a client, calls a tool, and disconnects the client on a page of a product",
  async () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const visitor = openVisitor();
    const person = {
      async connect(url: string) {
        const consent = await visitor.submit(await visitor.open(url), { subject: "ada" });
        const connected = await visitor.submit(consent, { decision: "allow" });
        expect(connected.body).toContain("The application is connected");
      },
      async disconnect(url: string) {
        const page = await visitor.open(url);
        expect(page.body).toContain("Assistant");
        const [, client = ""] = /name="client" value="([^"]*)"/.exec(page.body) ?? [];
        expect((await visitor.submit(page, { client })).body).toContain("None");
      },
    };
    await demonstrate(person, "built");
    expect(lines.filter((line) => /^ +\d+\.\d ms {2}/.test(line))).toHaveLength(7);
    expect(lines.join("")).toMatch(/it said: .*Hello, ada.*refused/s);
  },
);

/**
 *     npm run demo              one sign-in for two sites, and a logout at both
 *     npm run demo -- mcp       an MCP client that knows only the URL of a server, until it is disconnected
 *
 * Clicks in Chromium, where there is one. With `--you`, you click, in your own browser. With `--built`, the issuer of `mcp` is that
 * of the build. For `mcp`, run  npm ci --prefix test/mcp  first.
 */
import { parseArgs } from "node:util";
import { hasChromium } from "../../test/support/browser.ts";
import { you as byHand, openBrowser } from "./person.ts";

const you = { type: "boolean", default: !hasChromium } as const;
const built = { type: "boolean", default: false } as const;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { you, built } });
const person = values.you ? byHand : await openBrowser();
if (positionals[0] === "mcp") {
  const { demonstrate } = await import("./mcp.ts");
  await demonstrate(person, values.built ? "built" : "source");
} else {
  const { demonstrate } = await import("./sites.ts");
  await demonstrate(person);
}
await person.close();

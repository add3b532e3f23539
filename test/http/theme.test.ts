import { describe, expect, it } from "vitest";
import { colourStyle } from "../../src/http/pages/sign-in/colours.ts";
import { renderPage } from "../../src/http/pages/sign-in/render.ts";
import { themeSchemas } from "../../src/http/theme.ts";
import { send } from "../support/request.ts";
import { samplePages } from "../support/sample-pages.ts";
import { openServer } from "../support/service.ts";

/** WCAG 2.2, by its definition. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const variablesIn = (css: string) =>
  css
    .split("@media")
    .map((part) => Object.fromEntries([...part.matchAll(/--([a-z-]+): ?(#\w{6})/g)].map(([, ...pair]) => pair)));

describe("the colour of a theme", () => {
  const channels = ["00", "33", "80", "cc", "ff"];
  const colours = channels.flatMap((red) =>
    channels.flatMap((green) => channels.map((blue) => `#${red}${green}${blue}`)),
  );

  it("is readable and visible on buttons and links in both schemes, whatever it is", async () => {
    await using server = await openServer();
    const [light, dark] = variablesIn((await send(`${server.url}/sign-in.css`)).text);
    for (const colour of [...colours, "#ffe600", "#0a0a12", "#777777"]) {
      const schemes = variablesIn(colourStyle(colour));
      for (const [at, sheet] of [light, dark].entries()) {
        const { accent = "", edge = "", link = "", ...others } = schemes[at] ?? {};
        expect(contrast(accent, others["on-accent"] ?? ""), colour).toBeGreaterThanOrEqual(4.5);
        for (const behind of [sheet?.card, sheet?.page]) {
          expect(contrast(edge, behind ?? ""), colour).toBeGreaterThanOrEqual(3);
          expect(contrast(link, behind ?? ""), colour).toBeGreaterThanOrEqual(4.5);
        }
      }
      expect(schemes[0]?.accent).toBe(colour);
    }
  });

  it("is in the style sheet of the server that has it", async () => {
    await using server = await openServer({}, { theme: { colour: "#FFE600" } });
    const { headers, text } = await send(`${server.url}/sign-in.css`);
    expect(headers).toMatchObject({ "content-type": "text/css; charset=utf-8", "cache-control": "no-cache" });
    expect(text.endsWith(colourStyle("#ffe600"))).toBe(true);
  });
});

describe("the title and the logo of a theme", () => {
  it("are on every page, and absent by default", () => {
    const render = (theme: object) =>
      Object.values(samplePages).map((page) => renderPage(page, { language: "en", theme, path: "" }).body);
    const logo = "https://cdn.example/a&b.svg";
    for (const body of render({ title: "A & B", logo })) {
      expect(body).toContain(
        '<header><img src="https://cdn.example/a&amp;b.svg" alt=""><span>A &amp; B</span></header>',
      );
      expect(body).toMatch(/<title>[^<]+ · A &amp; B<\/title>/);
    }
    for (const body of render({})) expect(body).not.toMatch(/<header>|<img| · /);
  });

  it.each([
    "https://cdn.example/logo.svg",
    "HTTPS://cdn.example:8443/logo.svg",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E",
    "data:image/svg+xml;charset=utf-8,%3Csvg/%3E",
  ])("can be %s", (logo) => {
    expect(themeSchemas.logo.safeParse(logo).success).toBe(true);
  });

  it.each([
    "http://cdn.example/logo.svg",
    "//cdn.example/logo.svg",
    "/logo.svg",
    "javascript:alert(1)",
    "data:text/html,<script>",
    'data:image/png;base64,"onerror="',
    "https://user@cdn.example/logo.svg",
    // Each would be more than an origin in the Content-Security-Policy.
    "https://cdn.example;script-src.example/logo.svg",
    "https://*/logo.svg",
    "https://a,b/logo.svg",
    "https://'self'/logo.svg",
    "https://[::1]/logo.svg",
    `data:image/png;base64,${"A".repeat(65_536)}`,
  ])("cannot be %.60s", (logo) => {
    expect(themeSchemas.logo.safeParse(logo).success).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { de } from "../../src/http/pages/sign-in/de.ts";
import { en } from "../../src/http/pages/sign-in/en.ts";
import { languageOf } from "../../src/http/pages/sign-in/language.ts";
import { type RenderOptions, renderPage } from "../../src/http/pages/sign-in/render.ts";
import type { ErrorReason, Page } from "../../src/oauth/page.ts";
import { samplePages } from "../support/sample-pages.ts";

const LANGUAGES = ["en", "de"] as const;
const pages: [name: string, page: Page][] = Object.entries(samplePages);

function render(page: Page, options: Partial<RenderOptions> = {}) {
  return renderPage(page, { language: "en", theme: {}, path: "../", ...options });
}

/** The tags of a document with the names of their attributes. */
const tagsOf = (body: string) => (body.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));

/** Values from closed lists, and a URL. */
const CLOSED = new Set(["reason", "problem", "field", "action"]);

/** The same value with another text for every text of another party. */
function withText(value: unknown, text: string): unknown {
  if (typeof value === "string") return text;
  if (Array.isArray(value)) return value.map((one) => withText(one, text));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => {
    const isClosed = typeof one === "string" && (CLOSED.has(key) || (key === "name" && one in NAMES));
    return [key, isClosed ? one : withText(one, text)];
  });
  return Object.fromEntries(entries);
}

const NAMES = Object.fromEntries(pages.map(([, { name }]) => [name, true]));

const MARKUP = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus='alert(1)",
  '" onclick="alert(1)',
  "</title></textarea></bdi><h1>Allowed</h1>",
  "<!-- ",
  "]]><svg/onload=alert(1)>",
  "&lt;script&gt;&quot;&#39;",
  "$& $` $1 {{handle}}",
  "\n\n<b>",
];

describe("a text of another party", () => {
  it.each(pages)("changes nothing in the markup of the page %s", (_, page) => {
    for (const language of LANGUAGES)
      for (const text of MARKUP) {
        const [hostile, plain] = [text, "x".repeat(text.length)].map((one) => withText(page, one) as Page);
        if (hostile === undefined || plain === undefined) throw new Error("unreachable");
        expect(tagsOf(render(hostile, { language }).body)).toEqual(tagsOf(render(plain, { language }).body));
      }
  });

  it.each([
    ["Acme\u202e setoN", "Acme\\u202e setoN"],
    ["Acme\u200b", "Acme\\u200b"],
    ["\u2066Acme\u2069", "\\u2066Acme\\u2069"],
    ["Ac\u00adme", "Ac\\u00adme"],
    ["Acme\u00a0Notes", "Acme\\u00a0Notes"],
    ["Acme\u2003Notes", "Acme\\u2003Notes"],
    ["\u2800", "\\u2800"],
    ["\u3164", "\\u3164"],
    [" Acme  ", "\\u0020Acme\\u0020\\u0020"],
    ["   ", "\\u0020\\u0020\\u0020"],
    ["Acme\nAllow", "Acme\\u000aAllow"],
    ["\ud800", "\\ud800"],
    ["\u{e0041}", "\\udb40\\udc41"],
    ["Acme  Notes", "Acme  Notes"],
    ["アクメ\u3000ノート", "アクメ\u3000ノート"],
    ["ملاحظات", "ملاحظات"],
    ["Zoë & Söhne", "Zoë &amp; Söhne"],
  ])("is shown so that nothing in it is invisible: %j", (name, shown) => {
    const scopes = [{ name: "a", description: name }];
    const resources = [{ audience: name, name }];
    const { body } = render({
      ...samplePages.consent,
      client: { clientId: "c", name },
      subject: name,
      scopes,
      resources,
    });
    const bdi = `<bdi class="name">${shown}</bdi>`;
    for (const place of [`Allow ${bdi} to use`, `Signed in as ${bdi}`, `<li>${bdi}</li>`, `<li>${shown}</li>`])
      expect(body).toContain(place);
  });

  it("is sent back as it was", () => {
    const state = "a\u202e b&amp;\"'<>";
    const { body } = render({ name: "form-post", action: "https://a.example/cb?a='&b=1", parameters: { state } });
    expect(body).toContain('<form method="post" action="https://a.example/cb?a=&#39;&amp;b=1">');
    expect(body).toContain('name="state" value="a\u202e b&amp;amp;&quot;&#39;&lt;&gt;"');
  });
});

const REASONS = {
  unknown_client: 1,
  unknown_redirect_uri: 1,
  invalid_request: 1,
  expired: 1,
  other_browser: 1,
  rate_limited: 1,
  sign_in_failed: 1,
  sign_in_unavailable: 1,
  no_sign_in_method: 1,
  internal_error: 1,
  unavailable: 1,
} satisfies Record<ErrorReason, 1>;

describe("the page of an error", () => {
  it.each(Object.keys(REASONS) as ErrorReason[])(
    "has words for %s in each language, and the id of the request",
    (reason) => {
      const bodies = LANGUAGES.map((language) => render({ name: "error", reason }, { language }).body);
      for (const body of bodies) expect(body).toMatch(/<h1>[^<]{5,60}<\/h1>\n<p>[^<]{20,400}<\/p>\n<\/main>/);
      expect(new Set(bodies).size).toBe(LANGUAGES.length);
      expect(render({ name: "error", reason, requestId: "r-1" }).body).toContain("<code>r-1</code>");
    },
  );
});

describe("the consent page", () => {
  it("names the host of the document by which a client introduces itself, which distinguishes another Claude", () => {
    const { body } = render(samplePages["consent-document"]);
    expect(body).toContain("evil.example");
    expect(body).toContain(en.consent.source);
    expect(body).toContain(en.consent.introduced);
    expect(body).toContain("Acme Notes");
    expect(body).toContain("Read your notes");
    const german = render(samplePages["consent-document"], { language: "de" }).body;
    expect(german).toContain(de.consent.introduced);
  });

  it("says that nobody has checked the name of a client that registered itself, and of no other", () => {
    expect(render(samplePages["consent-registered"]).body).toContain(en.consent.introduced);
    expect(render(samplePages["consent-registered"]).body).not.toContain(en.consent.source);
    expect(render(samplePages.consent).body).not.toContain(en.consent.introduced);
  });

  it("names the client, the host, the resources, the account, and each scope in words", () => {
    const { body } = render(samplePages.consent);
    const texts = body.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
    for (const text of ["Acme Notes", "Access goes to notes.example", "Orders https://api.example/orders", "as ada"])
      expect(texts).toContain(text);
    for (const text of ["Know who you are", "See your e-mail address", "Read your orders", "orders:write"])
      expect(texts).toContain(text);
    expect(texts).not.toContain("openid");
  });

  it.each([
    ["device:", "The device that showed you the code"],
    ["127.0.0.1:8976", "127.0.0.1:8976 A program on this computer"],
    ["[::1]:1", "[::1]:1 A program on this computer"],
    ["localhost", "localhost A program on this computer"],
    ["localhost.example", "localhost.example"],
    ["com.example.app", "com.example.app"],
    ["com.example.app:", "com.example.app: An application on this device"],
  ])("says where the code goes: %s", (host, shown) => {
    const { body } = render({ ...samplePages.consent, host });
    const destination = /<p class="destination">(.*?)<\/p>/.exec(body)?.[1]?.replace(/<[^>]*>/g, "");
    expect(destination).toBe(`Access goes to ${shown}`);
  });

  it("takes no name of a scope for a property of every object", () => {
    const { body } = render({ ...samplePages.consent, scopes: [{ name: "constructor" }, { name: "__proto__" }] });
    expect(body).toContain("<li><code>constructor</code></li><li><code>__proto__</code></li>");
  });
});

describe("the headers of a page", () => {
  const CSP = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'";
  const FRAMES = "frame-ancestors 'none'";
  const NO_FORM = `${CSP}; form-action 'none'; ${FRAMES}`;
  it.each([
    ["sign-in", "same-origin", `${CSP}; ${FRAMES}`],
    ["consent", "same-origin", `${CSP}; ${FRAMES}`],
    ["device-code", "same-origin", `${CSP}; ${FRAMES}`],
    ["log-out", "same-origin", `${CSP}; ${FRAMES}`],
    ["form-post", "no-referrer", `${CSP.replace("img-src", "script-src 'self'; img-src")}; ${FRAMES}`],
    ["device-done", "no-referrer", NO_FORM],
    ["signed-out", "no-referrer", NO_FORM],
    ["error", "no-referrer", NO_FORM],
  ] as const)("%s: %s, %s", (name, referrer, policy) => {
    expect(render(samplePages[name], { language: "de" }).headers).toEqual({
      "content-type": "text/html; charset=utf-8",
      "content-language": "de",
      "cache-control": "no-store",
      "content-security-policy": policy,
      "referrer-policy": referrer,
      "x-frame-options": "DENY",
    });
  });

  it("allow the origin of the logo, and of no other image", () => {
    const policyOf = (logo: string) =>
      render(samplePages.consent, { theme: { logo } }).headers["content-security-policy"];
    expect(policyOf("HTTPS://cdn.example:8443/a/logo.svg")).toContain("img-src 'self' data: https://cdn.example:8443;");
    expect(policyOf("data:image/png;base64,AAAA")).toContain("img-src 'self' data:;");
  });
});

describe("the language of a page", () => {
  it.each([
    [undefined, "en"],
    ["", "en"],
    ["de", "de"],
    ["DE-at", "de"],
    ["de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de"],
    ["en-GB,en;q=0.9,de;q=0.8", "en"],
    ["en;q=0.8, de;q=0.9", "de"],
    ["fr, de;q=0.5", "de"],
    ["fr, it", "en"],
    ["fr, *", "en"],
    ["*, de;q=0.5", "en"],
    ["*;q=0.1, de;q=0.5", "de"],
    ["en;q=0, *", "de"],
    ["de;q=0, en;q=0", "en"],
    ["de;q=0", "en"],
    ["de, en", "de"],
    ["en, de", "en"],
    ["de;q=0.5, en;q=0.500", "de"],
    ["de ; q=1.000", "de"],
    ["de;q=1.001, en;q=0.1", "en"],
    ["de;q=2, en", "en"],
    ["de;q=, en;q=0.1", "en"],
    ["de;level=1, en;q=0.1", "en"],
    ["deutsch", "en"],
    ["den", "en"],
    ["x-de", "en"],
    [",,;q=1,, de", "de"],
    ["\u202ede", "en"],
    ["constructor, __proto__", "en"],
  ])("for %j is %s", (header, language) => {
    expect(languageOf(header)).toBe(language);
  });

  it("costs nothing to find, whatever the header", () => {
    const headers = [",", "de;", "de-", " ", "*;q=0.1,", "aaaaaaaa-"].map((part) => part.repeat(200_000));
    const start = performance.now();
    for (const header of headers) expect(LANGUAGES).toContain(languageOf(header));
    expect(performance.now() - start).toBeLessThan(200);
  });

  it("is on the page", () => {
    for (const [, page] of pages)
      for (const language of LANGUAGES) expect(render(page, { language }).body).toContain(`<html lang="${language}">`);
  });
});

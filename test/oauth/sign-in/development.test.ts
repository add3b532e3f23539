import { describe, expect, it } from "vitest";
import { z } from "zod";
import { addWebClient, authorizationRequest, REDIRECT_URI } from "../../support/people.ts";
import { type Edge, type OpenOptions, openServer } from "../../support/service.ts";
import { fieldsIn, openWebBrowser, parametersIn, type Visited } from "../../support/web-browser.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });

async function open(options: OpenOptions<typeof claims> = {}, edge: Edge = "node") {
  const server = await openServer({ claims, ...options }, { edge });
  const { clientId } = await addWebClient(server.service, { firstParty: true });
  const path = `/oauth/authorize?${new URLSearchParams([...authorizationRequest(clientId, { login_hint: "ada" }).parameters])}`;
  return { server, path, browser: openWebBrowser({ server }), [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

/** The values of a page of development that was not changed. */
const valuesIn = (text: string) => /<textarea[^>]*>\n?([^<]*)/.exec(text)?.[1]?.replaceAll("&quot;", '"');

describe.each(["node", "fetch"] as const)("the page of development, behind %s", (edge) => {
  it("asks whom the person wants to be, with claims that fit the schema, in a browser of one port", async () => {
    await using opened = await open({}, edge);
    const { browser, path } = opened;
    const page = await browser.visit(path);
    expect([page.status, fieldsIn(page).subject, valuesIn(page.text)]).toEqual([200, "ada", '{"role":"reader"}']);
    expect(page.setCookies).toEqual([
      expect.stringMatching(/^mintmark-key-3000=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    const form = { ...fieldsIn(page), subject: "eve", claims: '{"role":"writer"}' };
    const answer = await browser.visit("/oauth/continue", { form });
    expect([answer.status, answer.location.startsWith(`${REDIRECT_URI}?code=`)]).toEqual([303, true]);
    expect(answer.setCookies).toEqual([expect.stringMatching(/^mintmark-session-3000=[\w-]{43}; /)]);
  });

  it.each<[name: string, field: "subject" | "claims", entered: Record<string, string>]>([
    ["no subject", "subject", { subject: "", claims: '{"role":"reader"}' }],
    ["a subject that is none", "subject", { subject: "a\u0000", claims: '{"role":"reader"}' }],
    ["claims that are no JSON", "claims", { subject: "eve", claims: "{" }],
    ["claims that are a list", "claims", { subject: "eve", claims: "[]" }],
    ["no claims", "claims", { subject: "eve", claims: "" }],
    ["claims of another kind", "claims", { subject: "eve", claims: '{"role":"emperor"}' }],
  ])("shows what was entered again for %s", async (_name, field, entered) => {
    await using opened = await open({}, edge);
    const { browser, path } = opened;
    const form = { ...fieldsIn(await browser.visit(path)), ...entered };
    const again = await browser.visit("/oauth/continue", { form });
    expect([again.status, again.location]).toEqual([400, ""]);
    expect(again.text).toContain(`id="${field}-problem"`);
    expect(fieldsIn(again)).toMatchObject({ handle: form.handle, token: form.token, subject: form.subject ?? "" });
  });

  it("needs the token of the page, and the browser that has it", async () => {
    await using opened = await open({}, edge);
    const { browser, path, server } = opened;
    const fields = { ...fieldsIn(await browser.visit(path)), claims: '{"role":"reader"}' };
    for (const token of ["", "x", Buffer.alloc(32).toString("base64url")]) {
      const answer = await browser.visit("/oauth/continue", { form: { ...fields, token } });
      expect([token, answer.status, answer.location]).toEqual([token, 400, ""]);
    }
    const other = openWebBrowser({ server });
    await other.visit(path);
    expect((await other.visit("/oauth/continue", { form: fields })).status).toBe(400);
    expect(parametersIn(await browser.visit("/oauth/continue", { form: fields }))).toContainEqual(["state", "xyz"]);
  });

  it("lets the person choose another account on the consent page", async () => {
    await using server = await openServer({ claims }, { edge });
    const { clientId } = await addWebClient(server.service);
    const path = `/oauth/authorize?${new URLSearchParams([...authorizationRequest(clientId).parameters])}`;
    const browser = openWebBrowser({ server });
    const signInAs = async (page: Visited, subject: string) => {
      const form = { ...fieldsIn(page), subject, claims: '{"role":"reader"}' };
      return browser.visit((await browser.visit("/oauth/continue", { form })).location);
    };
    const consent = await signInAs(await browser.visit(path), "ada");
    expect(consent.text).toContain('value="switch"');
    const { handle = "", token = "" } = fieldsIn(consent);
    const form = { handle, token, decision: "switch" };
    expect((await browser.visit("/oauth/continue", { form: { ...form, token: "x" } })).location).toContain(handle);
    const { status, location } = await browser.visit("/oauth/continue", { form });
    expect([status, location.includes(handle)]).toEqual([303, false]);
    const again = await signInAs(await browser.visit(location), "bob");
    expect(again.text).toContain("bob");
    const answer = await browser.visit("/oauth/continue", { form: { ...fieldsIn(again), decision: "allow" } });
    expect(answer.location.startsWith(`${REDIRECT_URI}?code=`)).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { authorizationRequest, codeIn, expectStep, openBrowser, openPeople } from "../../support/people.ts";
import { NOW } from "../../support/service.ts";

/** A browser at the consent page for ada. */
async function openConsent(more: Record<string, string> = {}) {
  const opened = await openPeople();
  const { browser, clientId } = opened;
  const request = authorizationRequest(clientId, { login_hint: "ada@example.org", scope: "openid", ...more });
  const { handle } = expectStep(await browser.begin(request), "sign_in");
  const { token } = expectStep(await browser.accept(handle, "ada"), "consent");
  return { ...opened, request, handle, token };
}

describe("a person who wants another account than that of the consent page", () => {
  it("signs in again for the same request, and is asked for themselves", async () => {
    await using opened = await openConsent();
    const { browser, clock, service, handle, token } = opened;
    clock.now += 30;
    const asked = expectStep(await browser.switchAccount(handle, token), "sign_in");
    expect(asked).toMatchObject({ maxAge: 0, select: true });
    expect(asked).not.toHaveProperty("login");
    expect(asked).not.toHaveProperty("loginHint");
    clock.now += 20;
    // A reload asks again: the session of before answers nothing. A sign-in since the demand is new enough.
    expect(expectStep(await browser.resume(asked.handle), "sign_in").maxAge).toBe(20);
    const consent = expectStep(await browser.accept(asked.handle, "bob"), "consent");
    expect([consent.subject, consent.handle]).toEqual(["bob", asked.handle]);
    codeIn(await browser.decide(consent.handle, consent.token));
    // As after each sign-in of another person in one browser (P16).
    expect((await service.sessions.list(localCaller, { subject: "ada", limit: 2 })).sessions).toEqual([]);
    expect((await service.consents.list(localCaller, "ada")).length).toBe(0);
    expect(await browser.resume(handle)).toEqual({ step: "refused", reason: "expired" });
    expect(await browser.decide(handle, token)).toEqual({ step: "refused", reason: "expired" });
  });

  it("can have one that signed in before, and the same one again", async () => {
    await using opened = await openConsent();
    const { browser, handle, token } = opened;
    const asked = expectStep(await browser.switchAccount(handle, token), "sign_in");
    const bob = expectStep(await browser.accept(asked.handle, "bob", { authTime: NOW - 5000 }), "consent");
    const again = expectStep(await browser.switchAccount(bob.handle, bob.token), "sign_in");
    const same = expectStep(await browser.accept(again.handle, "bob", { authTime: NOW - 5000 }), "consent");
    expect(same.subject).toBe("bob");
    codeIn(await browser.decide(same.handle, same.token));
  });

  it.each([
    [{ prompt: "login" }, { login: true }, 0],
    [{ prompt: "consent" }, { select: true }, 5000],
    [{ max_age: "10" }, { maxAge: 0 }, 10],
  ])("is held to what the client demands with %j", async (more, demand, oldest) => {
    await using opened = await openConsent(more);
    const { browser, handle, token } = opened;
    const asked = expectStep(await browser.switchAccount(handle, token), "sign_in");
    expect(asked).toMatchObject(demand);
    expect("select" in asked).toBe("select" in demand);
    const allowed = await browser.accept(asked.handle, "bob", { authTime: NOW - oldest });
    const { handle: next, token: nextToken } = expectStep(allowed, "consent");
    if (oldest === 5000) return;
    const late = expectStep(await browser.switchAccount(next, nextToken), "sign_in");
    const refused = expectStep(await browser.accept(late.handle, "eve", { authTime: NOW - oldest - 1 }), "redirect");
    expect(refused.parameters).toMatchObject({ error: "login_required" });
  });

  it("needs the token of the page (P14), and the browser that began (P13)", async () => {
    await using opened = await openConsent();
    const { service, browser, handle, token } = opened;
    for (const forged of ["", "x", token.slice(1), `${token}x`])
      expect((await browser.switchAccount(handle, forged)).step, forged).toBe("consent");
    const other = openBrowser(service);
    expect(await other.switchAccount(handle, token)).toEqual({ step: "refused", reason: "other_browser" });
    codeIn(await browser.decide(handle, token));
    expect(await browser.switchAccount(handle, token)).toEqual({ step: "refused", reason: "expired" });
  });

  it("answers the page once", async () => {
    await using opened = await openConsent();
    const { browser, handle, token } = opened;
    const steps = await Promise.all([1, 2, 3].map(() => browser.switchAccount(handle, token)));
    expect(steps.map(({ step }) => step).toSorted()).toEqual(["refused", "refused", "sign_in"]);
  });
});

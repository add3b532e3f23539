import { describe, expect, it } from "vitest";
import { post } from "../support/http-attacks.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const SCRIPT = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" };

describe("a caller without credentials", () => {
  it.each([
    ["a program", {}, true],
    ["Node's fetch", { "sec-fetch-mode": "cors", accept: "*/*" }, true],
    ["somebody who typed the URL", { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, true],
    ["a link of a page here", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" }, true],
    ["a script of a page here", SCRIPT, false],
    ["one that asks for its own origin alone", { ...SCRIPT, "sec-fetch-mode": "same-origin" }, false],
    ["one that reads no answer", { ...SCRIPT, "sec-fetch-mode": "no-cors" }, false],
    ["a script without TLS, by POST", { origin: "ORIGIN" }, false],
    ["a script without TLS that says what it is", { "x-requested-with": "XMLHttpRequest" }, false],
  ])(
    "%s is challenged by Basic, unless its browser would ask a person (%o): %s",
    async (_name, given, isChallenged) => {
      await using server = await openServer({ open: false });
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, value.replace("ORIGIN", server.url)]),
      );
      for (const [path, request] of [
        ["/trpc/getToken", { headers }],
        ["/trpc/getToken", post({}, headers)],
        ["/trpc/getToken,getToken?batch=1", { headers }],
        ["/trpc/getToken%2CgetToken?batch=1", { headers }],
        ["/trpc/events", { headers }],
        ["/metrics", { headers }],
      ] as const) {
        const { status, headers: answered } = await send(`${server.url}${path}`, request);
        expect([path, status]).toEqual([path, 401]);
        if (isChallenged) expect(answered["www-authenticate"]).toMatch(/^Basic realm="mintmark"/);
        else expect(answered).not.toHaveProperty("www-authenticate");
      }
    },
  );

  it("with an invalid token receives a Bearer challenge: no browser opens a dialog for it", async () => {
    await using server = await openServer({ open: false });
    const { headers } = await send(`${server.url}/trpc/verifyToken`, post({ token: "x" }, SCRIPT));
    expect(headers["www-authenticate"]).toMatch(/^Bearer /);
  });
});

import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import { addClient } from "../support/clients.ts";
import { ISSUER, openService } from "../support/service.ts";

/** The length of a client secret or a refresh token. */
const SECRET = "k".repeat(43);

const limited = {
  permissions: ["issue"],
  scopes: ["orders:read", "orders:write"],
  audiences: ["orders"],
  maxTtl: 600,
} as const;

/** The procedures of a service, called by a client with these fields. */
async function openAs(fields: Partial<NewClient>) {
  const opened = await openService({ open: false });
  const credentials = await addClient(opened.service, fields);
  const caller: Caller = await opened.service.authenticate(credentials, "192.0.2.1");
  const procedures = createTokenRouter(opened.service).createCaller({ authenticate: async () => caller });
  return { ...opened, ...credentials, caller, procedures };
}

type Asked = { scope?: string; audience?: string | string[]; subject?: string; expiresIn?: number };

describe("a client's limits", () => {
  const allowed: [string, Asked][] = [
    ["nothing", {}],
    ["one scope", { scope: "orders:read" }],
    ["all scopes, in any order", { scope: "orders:write orders:read" }],
    ["its audience", { audience: "orders" }],
    ["the default audience by name", { audience: ISSUER }],
    ["several audiences, each of which it may have", { audience: ["orders", ISSUER] }],
    ["its longest lifetime", { expiresIn: 600 }],
  ];
  it.each(allowed)("allow it to request %s", async (_name, input) => {
    await using opened = await openAs(limited);
    await expect(opened.procedures.getToken(input)).resolves.toMatchObject({ scope: input.scope ?? "" });
  });

  const refused: [string, Asked, RegExp][] = [
    ["a scope that it lacks", { scope: "orders:delete" }, /orders:delete is not allowed/],
    ["one such scope among others", { scope: "orders:read admin" }, /^admin is not allowed/],
    ["a scope that begins like its own", { scope: "orders:read:all" }, /^orders:read:all is not allowed/],
    ["any scope, by an asterisk", { scope: "*" }, /not allowed/],
    ["what looks like a secret in place of a scope", { scope: SECRET }, /^\(some scope\) is not allowed/],
    ["another audience", { audience: "billing" }, /not allowed/],
    ["an audience of a list", { audience: ["orders", "billing"] }, /not allowed/],
    ["any audience, by an asterisk in a list", { audience: ["*", "orders"] }, /not allowed/],
    ["any audience, by an asterisk", { audience: "*" }, /not allowed/],
    ["another subject", { subject: "ada" }, /only be this client itself/],
    ["a longer lifetime", { expiresIn: 601 }, /600 at most/],
  ];
  it.each(refused)("forbid it to request %s, with a message", async (_name, input, message) => {
    await using opened = await openAs(limited);
    const issues = Object.keys(input).map((path) => ({ path, message: expect.stringMatching(message) }));
    await expect(opened.procedures.getToken(input)).rejects.toMatchObject({
      code: "FORBIDDEN",
      cause: { reason: "permission_denied", issues },
    });
    const { records } = await opened.service.audit.list(localCaller, { clientId: opened.clientId, limit: 9 });
    expect(records).toMatchObject([
      { action: "getToken", outcome: "refused", subject: input.subject ?? opened.clientId },
    ]);
  });

  it("allow it itself as the subject, and others with `anySubject`", async () => {
    await using opened = await openAs(limited);
    await expect(opened.procedures.getToken({ subject: opened.clientId })).resolves.toBeDefined();
    await using other = await openAs({ ...limited, anySubject: true });
    await expect(other.procedures.getToken({ subject: "ada" })).resolves.toBeDefined();
  });

  it("are none with asterisks", async () => {
    await using opened = await openAs({ ...limited, scopes: ["*"], audiences: ["*"] });
    await expect(opened.procedures.getToken({ scope: "any thing", audience: "billing" })).resolves.toBeDefined();
  });

  it.each([
    ["cut to the client's longest", 60, 60],
    ["kept where the client may have longer", 5000, 900],
    ["kept where the client may have any", undefined, 900],
  ])("leave the default lifetime %s", async (_name, maxTtl, expected) => {
    await using opened = await openAs({ permissions: ["issue"], maxTtl });
    await expect(opened.procedures.getToken({})).resolves.toMatchObject({ expiresIn: expected });
  });

  it("never exceed those of the service", async () => {
    await using opened = await openAs({ permissions: ["issue"], maxTtl: 1_000_000 });
    await expect(opened.procedures.getToken({ expiresIn: 86401 })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  it("do not apply to an administrator", async () => {
    await using opened = await openAs({ permissions: ["admin"], maxTtl: 60 });
    const input = { subject: "ada", audience: "billing", scope: "any thing", expiresIn: 86400 };
    await expect(opened.procedures.getToken(input)).resolves.toMatchObject({ expiresIn: 86400 });
  });
});

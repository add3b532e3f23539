import { expect } from "vitest";
import { z } from "zod";
import { localCaller } from "../../../src/service/access/caller.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { basic } from "../../support/call-as.ts";
import { addClient } from "../../support/clients.ts";
import { ask, openTarget, post } from "../../support/http-attacks.ts";
import { send } from "../../support/request.ts";
import { newResource } from "../../support/resources.ts";
import { NOW, temporaryFolder } from "../../support/service.ts";
import type { Suite } from "./rows.ts";

const CANARY = "secret-canary";

/** A claims schema that throws on a given input, with that input. */
const fragile = z.looseObject({}).refine((claims) => {
  if ("fail" in claims) throw new Error(`${CANARY} ${JSON.stringify(claims)}`);
  return true;
});

export function leakAttacks({ row, open, closed, authorization }: Suite): void {
  row("stack or database leak", "what a claims schema throws reaches no answer and no log", async () => {
    await using target = await openTarget({ claims: fragile });
    const answers = [
      await ask(target.url, "getToken", post({ claims: { fail: CANARY } })),
      await ask(target.url, "getToken,getToken?batch=1", post({ 0: { claims: { fail: CANARY } }, 1: {} })),
      await ask(target.url, `getToken?input=${encodeURIComponent(JSON.stringify({ claims: { fail: CANARY } }))}`),
    ];
    for (const { text } of answers) expect(text).not.toMatch(/secret-canary|\.ts|node_modules|at /);
    expect(target.log()).toContain("call failed");
    expect(target.log()).not.toContain(CANARY);
  });

  row("stack or database leak", "what a store throws reaches no answer and no log, by no procedure", async () => {
    using folder = temporaryFolder();
    const sound = await openSqliteStore(folder.path);
    const database = { fails: false };
    const wrapped = Object.entries(sound).map(([name, verb]) => [
      name,
      typeof verb !== "function" || name === "watch" || name === "close"
        ? verb
        : async (...parameters: never[]) => {
            if (database.fails)
              throw Object.assign(new Error(`${CANARY} postgres://ada:${CANARY}@db`), { detail: CANARY });
            return (verb as (...parameters: never[]) => Promise<unknown>)(...parameters);
          },
    ]);
    const store = Object.fromEntries(wrapped) as Store;
    await using target = await openTarget({ store, clock: () => NOW });
    const { token, refreshToken } = await target.service.getToken(localCaller, { claims: {}, refreshable: true });
    const credentials = basic(await addClient(target.service, { permissions: ["admin"] }));
    database.fails = true;
    const inputs: [string, object][] = [
      ["getToken", {}],
      ["verifyToken", { token }],
      ["refreshToken", { refreshToken }],
      ["introspectToken", { token }],
      ["revokeToken", { token }],
      ["revoke", { subject: "ada" }],
      ["keys.rotate", { immediate: true }],
      ["clients.list", {}],
      ["clients.create", { name: "x", permissions: [] }],
      ["resources.list", {}],
      ["resources.create", newResource()],
      ["audit.list", {}],
    ];
    for (const [procedure, input] of inputs) {
      for (const headers of [{}, { authorization: credentials }]) {
        const { status, text, headers: sent } = await ask(target.url, procedure, post(input, headers));
        const needsStore =
          procedure !== "verifyToken" && (procedure !== "introspectToken" || "authorization" in headers);
        expect([procedure, status]).toEqual([procedure, needsStore ? 500 : 200]);
        expect(JSON.stringify([text, sent])).not.toMatch(/secret-canary|postgres|\.ts:|node_modules/);
      }
    }
    for (const path of ["/readyz", "/", "/.well-known/jwks.json"])
      expect((await send(`${target.url}${path}`)).text).not.toContain(CANARY);
    database.fails = false;
    expect(target.log()).toContain("call failed");
    expect(target.log()).not.toContain(CANARY);
  });

  row(
    "secrets in URL or logs",
    "a log at its most talkative has no token, secret, input, query or path of any request",
    async () => {
      await using target = await openTarget({ open: false });
      const caller = await addClient(target.service, { permissions: ["admin"], anySubject: true });
      const headers = { authorization: basic(caller) };
      const { text } = await ask(target.url, "getToken", post({ subject: CANARY, refreshable: true }, headers));
      const { token, refreshToken } = JSON.parse(text).result.data;
      await ask(target.url, "verifyToken", post({ token }));
      await ask(target.url, "refreshToken", post({ refreshToken }, headers));
      await ask(target.url, "getToken", post({ canary: refreshToken }, headers));
      await ask(target.url, `getToken?input=${encodeURIComponent(JSON.stringify({ subject: token }))}`, { headers });
      await ask(target.url, `${CANARY}?token=${token}`, { headers: { authorization: `Bearer ${token}` } });
      await send(`${target.url}/${CANARY}?secret=${caller.clientSecret}`, {
        headers: { referer: token, cookie: refreshToken },
      });
      const log = target.log();
      expect(log).toContain('"msg":"request"');
      const secrets = [
        CANARY,
        token,
        token.split(".")[2],
        refreshToken,
        caller.clientSecret,
        headers.authorization.slice(6),
      ];
      for (const secret of secrets) expect(log).not.toContain(secret);
    },
  );

  row("secrets in URL or logs", "no procedure takes a token or a secret from a URL", async () => {
    await using closed = await openTarget({ open: false });
    const client = await addClient(closed.service, { permissions: ["admin"] });
    const authorization = basic(client);
    const { token } = await open.service.getToken(localCaller, { claims: {} });
    for (const procedure of ["verifyToken", "refreshToken", "revokeToken", "introspectToken", "clients.rotateSecret"])
      expect((await ask(open.url, `${procedure}?input=${encodeURIComponent(JSON.stringify({ token }))}`)).status).toBe(
        405,
      );
    const { clientId, clientSecret } = client;
    for (const query of [
      `client_id=${clientId}&client_secret=${clientSecret}`,
      `access_token=${token}`,
      `authorization=${encodeURIComponent(authorization)}`,
    ])
      expect((await ask(closed.url, `getToken?${query}`)).status).toBe(401);
    expect((await ask(closed.url, "getToken", post({ clientId, clientSecret }))).status).toBe(401);
    expect(
      (await ask(closed.url, `getToken?connectionParams=${encodeURIComponent(JSON.stringify({ authorization }))}`))
        .status,
    ).toBe(401);
  });

  row(
    "cacheable token answers",
    "every answer under /trpc/ says no-store, the bad ones too, and only the JWK Set may be kept",
    async () => {
      const answers = [
        ask(open.url, "getToken"),
        ask(open.url, "getToken,getToken?batch=1"),
        send(`${open.url}/trpc/getToken?batch=1`, { headers: { "trpc-accept": "application/jsonl" } }),
        ask(open.url, "verifyToken", post({ token: "x" })),
        ask(open.url, "verifyToken", post("{")),
        ask(open.url, "verifyToken", post("x".repeat(70_000))),
        ask(open.url, "nothing"),
        ask(open.url, "%"),
        ask(open.url, "getToken", { method: "PUT" }),
        ask(open.url, "getToken", { headers: { origin: "https://evil.example" } }),
        ask(closed.url, "getToken"),
        ask(closed.url, "getToken", { headers: { authorization } }),
        send(`${open.url}/nowhere`),
        send(`${open.url}/healthz`),
      ];
      for (const { headers } of await Promise.all(answers)) expect(headers["cache-control"]).toBe("no-store");
      const { headers } = await send(`${open.url}/.well-known/jwks.json`);
      expect(headers["cache-control"]).toMatch(/^public, max-age=\d+$/);
    },
  );
}

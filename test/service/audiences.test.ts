import { decodeJwt } from "jose";
import { Kysely, SqliteDialect } from "kysely";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Schema } from "../../src/store/sql/schema.ts";
import type { Audience } from "../../src/token/claims.ts";
import { bearerAuth } from "../../src/verifier/middleware/node.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { ISSUER, openServer, openService } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";
import { openWithClient } from "../support/with-client.ts";

const caller = { authenticate: async () => localCaller };

/** Requested audiences, and the `aud` of the token. */
const ASKED: [audience: string | string[], aud: string | string[]][] = [
  ["orders", "orders"],
  [["orders"], "orders"],
  [
    ["orders", "billing"],
    ["orders", "billing"],
  ],
  [
    ["billing", "orders"],
    ["billing", "orders"],
  ],
  [Array.from({ length: 16 }, (_, at) => `a${at}`), Array.from({ length: 16 }, (_, at) => `a${at}`)],
];

/** The `aud` of a token, the expected audience, and whether they match. */
const EXPECTED: [asked: string | string[], expected: Audience, accepted: boolean][] = [
  ["orders", ["orders"], true],
  ["orders", ["billing", "orders"], true],
  ["orders", ["billing"], false],
  ["orders", ["order", "orders ", "*"], false],
  [["orders", "billing"], "billing", true],
  [["orders", "billing"], ["shipping", "orders"], true],
  [["orders", "billing"], ["shipping", "x"], false],
  [["orders", "billing"], "orders,billing", false],
  [["orders", "billing"], '["orders","billing"]', false],
];

const NO_LISTS = [
  [],
  [""],
  ["a", "a"],
  Array.from({ length: 17 }, (_, at) => `a${at}`),
  ["a", 1],
  ["a", ["b"]],
  ["a\u0000"],
];

describe("a list of audiences", () => {
  it.each(ASKED)("requested as %j is issued as %j, also by a refresh", async (audience, aud) => {
    await using opened = await openService();
    const procedures = createTokenRouter(opened.service).createCaller(caller);
    const { token, refreshToken = "" } = await procedures.getToken({ audience, refreshable: true });
    expect(decodeJwt(token).aud).toEqual(aud);
    const refreshed = await procedures.refreshToken({ refreshToken });
    expect(decodeJwt(refreshed.token).aud).toEqual(aud);
  });

  it.each(EXPECTED)("%j, where %j is expected: %s", async (audience, expected, accepted) => {
    await using opened = await openService();
    const { service, clock } = opened;
    const { token } = await service.getToken(localCaller, { audience, claims: {} });
    const wanted = accepted ? "accepted" : "wrong_audience";
    const list = typeof expected === "string" ? expected : [...expected];
    expect(await verdictOf(service.verifyToken({ token, audience: list }))).toBe(wanted);
    using verifier = createVerifier({
      issuer: ISSUER,
      audience: expected,
      follow: false,
      clock: () => clock.now,
      fetch: async () => Response.json(service.jwks()),
    });
    await verifier.ready;
    expect(await verdictOf(verifier.verify(token))).toBe(wanted);
    expect(await verdictOf(verifier.verify(token, { audience: "nobody" }))).toBe("wrong_audience");
    expect(await verdictOf(verifier.verify(token, { audience: ["nobody", ...[audience].flat()] }))).toBe("accepted");
    // The middleware may expect another audience than the verifier.
    const seen: number[] = [];
    const auth = bearerAuth(verifier, { audience: expected });
    const response = { writeHead: (status: number) => seen.push(status), end: () => {} };
    await auth({ headers: { authorization: `Bearer ${token}` } }, response, () => seen.push(200));
    expect(seen).toEqual([accepted ? 200 : 401]);
  });

  it("without entries matches nothing", async () => {
    await using opened = await openService();
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    expect(await verdictOf(opened.service.verifyToken({ token, audience: [] }))).toBe("wrong_audience");
    await expect(opened.service.getToken(localCaller, { audience: [], claims: {} })).rejects.toMatchObject({
      reason: "invalid_request",
    });
  });

  it.each(NO_LISTS.map((list) => ({ list })))("is refused where it is $list", async ({ list }) => {
    const audience = list as never;
    await using opened = await openService();
    const procedures = createTokenRouter(opened.service).createCaller(caller);
    for (const refused of [procedures.getToken({ audience }), procedures.verifyToken({ token: "x", audience })])
      await expect(refused).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(() => createVerifier({ issuer: ISSUER, audience })).toThrow(/^createVerifier: audience(\.\d)? (must|has)/);
    expect(() => bearerAuth({ verify: async () => ({}) }, { audience })).toThrow(
      /^bearer middleware: audience(\.\d)? (must|has)/,
    );
  });

  it("is typed and sent by the typed client", async () => {
    await using opened = await openServer();
    const client = createTokenClient({ url: opened.url });
    const { token } = await client.getToken.query({ audience: ["orders", "billing"] });
    const { aud } = await client.verifyToken.mutate({ token, audience: ["shipping", "billing"] });
    expect(aud).toEqual(["orders", "billing"]);
    const { active } = await client.introspectToken.mutate({ token });
    expect(active).toBe(true);
  });

  it("is issued for its first entry by a server of the previous release, which has no lists", async () => {
    await using opened = await openWithClient();
    await opened.service.getToken(opened.caller, { audience: ["orders", "billing"], claims: {}, refreshable: true });
    const database = new Database(`${opened.folder}/data/mintmark.db`);
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
    expect(await db.selectFrom("sessions").select("audience").execute()).toEqual([{ audience: "orders" }]);
    await db.destroy();
  });
});

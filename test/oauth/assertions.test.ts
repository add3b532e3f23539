import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTokenServer, type RunningServer } from "../../src/index.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import {
  type AssertionOf,
  assertionOf,
  type ClientKey,
  newClientKey,
  presentAssertion,
} from "../support/client-assertion.ts";
import { newClient } from "../support/clients.ts";
import { serveDocuments } from "../support/document-server.ts";
import { sendHead } from "../support/late-body.ts";
import { encodeForm, FORM, type FormAnswer, postForm } from "../support/oauth.ts";
import { describePostgres } from "../support/postgres.ts";
import { ISSUER, NOW } from "../support/service.ts";
import { openTwoOnPostgres, openTwoOnSqlite, type TwoOptions, type TwoServices } from "../support/two-services.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ADDRESS = "192.0.2.1";

/** Real servers of two services. */
async function serve(two: TwoServices) {
  const logger = pino({ level: "silent" });
  const start = (service: TwoServices["here"]): Promise<RunningServer> =>
    createTokenServer(service, { port: 0, logger });
  const servers = [await start(two.here), await start(two.there)] as const;
  const close = async () => {
    for (const server of servers) await server.close();
    await two[Symbol.asyncDispose]();
  };
  return { ...two, urls: [servers[0].origin, servers[1].origin] as const, [Symbol.asyncDispose]: close };
}

const present = (url: string, assertion: string, endpoint = "token"): Promise<FormAnswer> =>
  postForm(url, endpoint, {
    parameters: {
      grant_type: "client_credentials",
      token: "x",
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    },
  });

const REFUSED = { status: 401, json: { error: "invalid_client", error_reason: "invalid_client" } };
const SERVED = { status: 200, json: { token_type: "Bearer" } };

function describeAssertions(open: (options?: TwoOptions) => Promise<TwoServices>): void {
  let two: Awaited<ReturnType<typeof serve>>;
  const key = newClientKey();
  beforeAll(async () => {
    two = await serve(await open());
  });
  afterAll(() => two[Symbol.asyncDispose]());
  // Past the limit of failures, and before the assertions expire.
  afterEach(() => {
    two.clock.now += 60;
  });

  const add = async (fields: Partial<NewClient> = {}) => {
    const keys = fields.jwksUri === undefined ? { jwks: { keys: [key.jwk] } } : {};
    const given = newClient({ permissions: ["issue"], ...keys, ...fields });
    return (await two.here.clients.create(localCaller, given)).clientId;
  };
  const sign = (options: AssertionOf) => {
    const exp = two.clock.now + 300;
    return assertionOf({ ...options, claims: { exp, ...options.claims } });
  };

  it.each(["the same server", "the other server"])("P23: an assertion is refused again by %s", async (by) => {
    const [first, other] = two.urls;
    const clientId = await add();
    const assertion = await sign({ clientId, key });
    expect(await present(first, assertion)).toMatchObject(SERVED);
    const again = by === "the same server" ? first : other;
    for (const endpoint of ["token", "introspect", "revoke"])
      expect(await present(again, assertion, endpoint)).toMatchObject(REFUSED);
    expect(await present(again, await sign({ clientId, key }))).toMatchObject(SERVED);
  });

  it("P23: a jti is that of one client: another may use the same", async () => {
    const claims = { jti: "1" };
    for (const clientId of [await add(), await add()])
      expect(await present(two.urls[0], await sign({ clientId, key, claims }))).toMatchObject(SERVED);
  });

  it("P23: of 50 concurrent presentations at both servers, one is accepted", async () => {
    const assertion = await sign({ clientId: await add(), key });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => present(two.urls[at % 2 ? 1 : 0], assertion)),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses[0]).toBe(200);
    // A busy database may have no time for one.
    expect(statuses.slice(1).filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
  });

  it("P23: a client with its own clock ahead gets no second use after the expiry of its assertion", async () => {
    const clientId = await add();
    const assertion = await sign({ clientId, key, claims: { exp: two.clock.now + 1 } });
    expect(await present(two.urls[0], assertion)).toMatchObject(SERVED);
    two.clock.now += 1;
    for (const service of [two.here, two.there]) await service.maintenance();
    for (const url of two.urls) expect(await present(url, assertion)).toMatchObject(REFUSED);
    two.clock.now -= 1;
    for (const url of two.urls) expect(await present(url, assertion)).toMatchObject(REFUSED);
  });

  it.each<[name: string, aud: unknown]>([
    ["the URL of the token endpoint", `${ISSUER}/oauth/token`],
    ["the issuer with a slash", `${ISSUER}/`],
    ["a list with the issuer", [ISSUER]],
    ["a list with another server", [ISSUER, "https://other.example"]],
    ["another server", "https://other.example"],
    ["an empty text", ""],
    ["nothing", undefined],
    ["an object", { [ISSUER]: true }],
  ])("P23: an assertion for %s is refused", async (_, aud) => {
    const assertion = await sign({ clientId: await add(), key, claims: { aud } });
    expect(await present(two.urls[0], assertion)).toMatchObject(REFUSED);
  });

  it.each<[name: string, claims: Record<string, unknown>]>([
    ["of another issuer", { iss: "other" }],
    ["about another client", { sub: "other" }],
    ["that has expired", { exp: NOW }],
    ["that lives longer than 11 minutes", { exp: NOW + 10_000 }],
    ["without an expiry", { exp: undefined }],
    ["without a jti", { jti: undefined }],
    ["with an empty jti", { jti: "" }],
    ["that is not valid yet", { nbf: NOW + 5000 }],
  ])("P23: an assertion %s is refused", async (_, claims) => {
    const clientId = await add();
    const assertion = await sign({ clientId, key, claims });
    const answer = await postForm(two.urls[0], "token", {
      parameters: {
        grant_type: "client_credentials",
        client_id: clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
      },
    });
    expect(answer).toMatchObject(REFUSED);
  });

  it("P23: the key of another client, of another algorithm or of another name signs nothing", async () => {
    const rsa = newClientKey("RS256");
    const [named, other] = [
      { ...key.jwk, kid: "a" },
      { ...newClientKey().jwk, kid: "b" },
    ];
    const clientId = await add({ jwks: { keys: [named, other, rsa.jwk] } });
    const wrong: Omit<AssertionOf, "clientId">[] = [
      { key: newClientKey() },
      { key, kid: "b" },
      { key, kid: "c" },
      { key: newClientKey("RS256") },
      { key: { ...rsa, alg: "PS256" as ClientKey["alg"] } },
    ];
    for (const options of wrong)
      expect(await present(two.urls[0], await sign({ clientId, ...options }))).toMatchObject(REFUSED);
    expect(await present(two.urls[0], await sign({ clientId, key, kid: "a" }))).toMatchObject(SERVED);
    expect(await present(two.urls[1], await sign({ clientId, key: rsa }))).toMatchObject(SERVED);
  });

  it("P19, P23: other keys end what the earlier ones authenticate, at every server at once", async () => {
    const clientId = await add({ permissions: ["issue", "follow_events"] });
    const next = newClientKey();
    const authenticate = async (service: TwoServices["here"]) =>
      service.authenticate(await presentAssertion({ clientId, key, claims: { exp: two.clock.now + 300 } }), ADDRESS);
    const callers = [await authenticate(two.here), await authenticate(two.there)] as const;
    const followers = [two.here.follow(callers[0], {}), two.there.follow(callers[1], {})];
    for (const follower of followers) expect((await follower.next()).done).toBe(false);

    await two.here.clients.update(localCaller, { clientId, jwks: { keys: [next.jwk] } });
    for (const url of two.urls) {
      expect(await present(url, await sign({ clientId, key }))).toMatchObject(REFUSED);
      expect(await present(url, await sign({ clientId, key: next }))).toMatchObject(SERVED);
    }
    // What they authenticated was on its way.
    const gone = { reason: "invalid_client" };
    for (const refreshable of [false, true]) {
      await expect(two.here.getToken(callers[0], { claims: {}, refreshable })).rejects.toMatchObject(gone);
      await expect(two.there.getToken(callers[1], { claims: {}, refreshable })).rejects.toMatchObject(gone);
    }
    for (const follower of followers) await expect(endOf(follower)).rejects.toMatchObject(gone);
  });

  it.each(["token", "introspect", "revoke"])(
    "P19: keys replaced while the body is in transit to %s refuse it",
    async (path) => {
      const clientId = await add();
      const { here, there, urls } = two;
      const client_assertion = await sign({ clientId, key });
      const parameters = { grant_type: "client_credentials", token: "x", client_assertion_type: ASSERTION_TYPE };
      const body = encodeForm({ ...parameters, client_assertion });
      using late = await sendHead(urls[0], { root: "/oauth/", path, headers: { "content-type": FORM }, body });
      await there.clients.update(localCaller, { clientId, jwks: { keys: [newClientKey().jwk] } });
      const { status, text } = await late.finish();
      expect({ status, text }).toEqual({ status: 401, text: expect.stringContaining('"error":"invalid_client"') });
      const { records } = await here.audit.list(localCaller, { clientId, limit: 10 });
      expect(records).toEqual([]);
    },
  );

  it("a change of other fields, or to the same keys, ends nothing", async () => {
    const clientId = await add();
    const caller = await two.here.authenticate(
      await presentAssertion({ clientId, key, claims: { exp: two.clock.now + 300 } }),
      ADDRESS,
    );
    await two.there.clients.update(localCaller, {
      clientId,
      name: "other",
      jwks: { keys: [{ ...key.jwk, ext: true }] },
    });
    expect(await two.here.getToken(caller, { claims: {} })).toMatchObject({ tokenType: "Bearer" });
  });

  it("P26: keys at a URL on loopback are not fetched where access is for clients", async () => {
    await expect(add({ jwksUri: "http://127.0.0.1:9/jwks.json" })).rejects.toMatchObject({ reason: "invalid_request" });
    await using documents = await serveDocuments((_, response) => response.end());
    const clientId = await add({ jwksUri: `https://127.0.0.1:${documents.port}/jwks.json` });
    expect(await present(two.urls[0], await sign({ clientId, key }))).toMatchObject(REFUSED);
    expect(documents.connections()).toBe(0);
  });

  it("keys at a URL are fetched where access is open, and replaced with the URL", async () => {
    await using opened = await serve(await open({ open: true }));
    const published = new Map([
      ["/first", newClientKey()],
      ["/second", newClientKey()],
    ]);
    await using documents = await serveDocuments((request, response) => {
      const keys = [published.get(request.url ?? "")?.jwk];
      response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
    });
    const at = (path: string) => `http://127.0.0.1:${documents.port}${path}`;
    const fields = newClient({ permissions: ["issue"], jwksUri: at("/first") });
    const { clientId } = await opened.here.clients.create(localCaller, fields);
    const by = (path: string) => assertionOf({ clientId, key: published.get(path) ?? key });
    for (const url of opened.urls) {
      expect(await present(url, await by("/first"))).toMatchObject(SERVED);
      expect(await present(url, await by("/second"))).toMatchObject(REFUSED);
    }
    await opened.there.clients.update(localCaller, { clientId, jwksUri: at("/second") });
    for (const url of opened.urls) {
      expect(await present(url, await by("/first"))).toMatchObject(REFUSED);
      expect(await present(url, await by("/second"))).toMatchObject(SERVED);
    }
    expect(documents.connections()).toBeLessThanOrEqual(8);
  });

  it("a client whose keys cannot be fetched is refused, and has guessed nothing", async () => {
    await using opened = await serve(await open({ open: true }));
    let status = 503;
    await using documents = await serveDocuments((_, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ keys: [key.jwk] }));
    });
    const jwksUri = `http://127.0.0.1:${documents.port}/keys`;
    const { clientId } = await opened.here.clients.create(localCaller, newClient({ permissions: ["issue"], jwksUri }));
    const [here, there] = opened.urls;
    for (let at = 0; at < 12; at += 1)
      expect(await present(here, await assertionOf({ clientId, key }))).toMatchObject(REFUSED);
    status = 200;
    expect(await present(there, await assertionOf({ clientId, key }))).toMatchObject(SERVED);
    // The failed server is asked again after 30 s: until then the answer is the same, and no 429.
    expect(await present(here, await assertionOf({ clientId, key }))).toMatchObject(REFUSED);
  });
}

/** Reads a feed to its end. */
async function endOf(feed: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of feed);
}

describe("assertions at two servers on the embedded database", () => describeAssertions(openTwoOnSqlite));
describePostgres("assertions at two servers on PostgreSQL", () => describeAssertions(openTwoOnPostgres));

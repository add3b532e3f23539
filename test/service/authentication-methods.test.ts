import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createClientKeys } from "../../src/service/clients/client-keys.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type AuthMethod, authMethods } from "../../src/store/client.ts";
import type { Store } from "../../src/store/store.ts";
import type { AssertionHeader } from "../../src/token/client-assertion.ts";
import type { PresentedCredentials } from "../../src/token/decode-basic.ts";
import { newClientKey, presentAssertion } from "../support/client-assertion.ts";
import { newClient } from "../support/clients.ts";
import { describePostgres } from "../support/postgres.ts";
import { failureOf } from "../support/refusal.ts";
import { openTwoOnPostgres, openTwoOnSqlite, type TwoOptions, type TwoServices } from "../support/two-services.ts";

const key = newClientKey();
const OF_CLIENT = 10;

/** The fields of a client with a method. */
const FIELDS: Record<AuthMethod, Partial<NewClient>> = {
  client_secret_basic: { permissions: ["issue"] },
  client_secret_post: { authMethod: "client_secret_post", permissions: ["issue"] },
  private_key_jwt: { permissions: ["issue"], jwks: { keys: [key.jwk] } },
  none: { authMethod: "none" },
};

type Known = { clientId: string; clientSecret: string };

/** What a client presents by a method. */
const PRESENT: Record<AuthMethod, (client: Known) => Promise<PresentedCredentials>> = {
  client_secret_basic: async ({ clientId, clientSecret }) => ({ clientId, clientSecret }),
  client_secret_post: async ({ clientId, clientSecret }) => ({ clientId, clientSecret, method: "client_secret_post" }),
  private_key_jwt: ({ clientId }) => presentAssertion({ clientId, key }),
  none: async ({ clientId }) => ({ clientId, method: "none" }),
};

/** The same with a credential that is wrong. Nothing of a public client can be wrong but its id. */
const WRONG: Record<AuthMethod, (client: Known) => Promise<PresentedCredentials>> = {
  client_secret_basic: (client) => PRESENT.client_secret_basic({ ...client, clientSecret: "guess" }),
  client_secret_post: (client) => PRESENT.client_secret_post({ ...client, clientSecret: "guess" }),
  private_key_jwt: ({ clientId }) => presentAssertion({ clientId, key: newClientKey() }),
  none: (client) => PRESENT.client_secret_basic({ ...client, clientSecret: "guess" }),
};

/** Addresses that have failed at nothing. */
let addresses = 0;
const newAddress = () => `2001:db8:0:${(++addresses).toString(16)}::1`;

async function add({ clients }: TokenService, method: AuthMethod): Promise<Known> {
  const { clientId, clientSecret } = await clients.create(localCaller, newClient(FIELDS[method]));
  return { clientId, clientSecret };
}

const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "served",
    ({ reason }) => reason,
  );

function describeMethods(open: (options?: TwoOptions) => Promise<TwoServices>): void {
  let two: TwoServices;
  beforeAll(async () => {
    two = await open();
  });
  afterAll(() => two[Symbol.asyncDispose]());

  describe.each(authMethods)("a client with %s", (method) => {
    it("is authenticated by it at every server, with its rights", async () => {
      const client = await add(two.here, method);
      for (const service of [two.here, two.there])
        expect(await service.authenticate(await PRESENT[method](client), newAddress())).toMatchObject({
          clientId: client.clientId,
          authMethod: method,
          permissions: FIELDS[method].permissions ?? [],
        });
    });

    const others = authMethods.filter((other) => other !== method);
    it.each(others)("P25: is refused by %s, in the words of a wrong secret", async (other) => {
      const client = await add(two.here, method);
      const wrong = await failureOf(two.here.authenticate({ ...client, clientSecret: "guess" }, newAddress()));
      const secrets = [client.clientSecret, "x", "", "undefined", '["none",null,null]'];
      for (const clientSecret of secrets) {
        const presented = await PRESENT[other]({ ...client, clientSecret });
        const failure = await failureOf(two.there.authenticate(presented, newAddress()));
        expect(failure).toEqual(wrong);
        expect(failure).toMatchObject({ reason: "invalid_client" });
      }
    });

    it("P19: is unknown at every server once it is removed", async () => {
      const client = await add(two.here, method);
      const callers = [];
      for (const service of [two.here, two.there])
        callers.push(await service.authenticate(await PRESENT[method](client), "192.0.2.1"));
      await two.here.clients.remove(localCaller, client.clientId);
      for (const [at, service] of [two.here, two.there].entries()) {
        const again = service.authenticate(await PRESENT[method](client), "192.0.2.1");
        expect(await outcomeOf(again)).toBe("invalid_client");
        const caller = callers[at] ?? localCaller;
        const work =
          method === "none"
            ? service.refreshToken(caller, { refreshToken: "x" })
            : service.getToken(caller, { claims: {} });
        expect(await outcomeOf(work)).toBe("invalid_client");
      }
    });

    const bySecret = (one: AuthMethod) => one.startsWith("client_secret");
    it.each(others.filter((other) => bySecret(other) && bySecret(method)))(
      "is served beside a call by %s at the same moment",
      async (other) => {
        const client = await add(two.here, method);
        const address = newAddress();
        const calls = [PRESENT[other](client), PRESENT[method](client)].map(async (presented) =>
          outcomeOf(two.here.authenticate(await presented, address)),
        );
        expect(await Promise.all(calls)).toEqual(["invalid_client", "served"]);
      },
    );

    it("is limited to 10 failures a minute at an address that it has not called from", async () => {
      const client = await add(two.here, method);
      const address = newAddress();
      const call = async (present: typeof PRESENT) =>
        outcomeOf(two.here.authenticate(await present[method](client), address));
      for (let at = 0; at < OF_CLIENT; at += 1) expect(await call(WRONG)).toBe("invalid_client");
      for (const present of [WRONG, PRESENT]) expect(await call(present)).toBe("too_many_attempts");
      const elsewhere = two.here.authenticate(await PRESENT[method](client), newAddress());
      expect(await outcomeOf(elsewhere)).toBe("served");
      two.clock.now += 60;
      expect(await call(PRESENT)).toBe("served");
    });

    it("is served where others fail in its name, once it has called from there", async () => {
      const client = await add(two.here, method);
      const address = newAddress();
      const call = async (present: typeof PRESENT) =>
        outcomeOf(two.here.authenticate(await present[method](client), address));
      expect(await call(PRESENT)).toBe("served");
      const failures = [];
      for (let at = 0; at < 2 * OF_CLIENT; at += 1) failures.push(await call(WRONG));
      expect(failures.slice(0, OF_CLIENT)).toEqual(Array(OF_CLIENT).fill("invalid_client"));
      expect(failures.slice(OF_CLIENT)).toEqual(Array(OF_CLIENT).fill("too_many_attempts"));
      expect(await call(PRESENT)).toBe("served");
    });

    it("is served 50 times at once, also by its first calls", async () => {
      const client = await add(two.here, method);
      const address = newAddress();
      const presented = await Promise.all(Array.from({ length: 50 }, () => PRESENT[method](client)));
      const outcomes = await Promise.all(presented.map((each) => outcomeOf(two.here.authenticate(each, address))));
      expect(outcomes).toEqual(Array(50).fill("served"));
    });
  });

  it("has the same failure limit for all methods together", async () => {
    const client = await add(two.here, "private_key_jwt");
    const address = newAddress();
    const outcomes = [];
    for (let at = 0; at < OF_CLIENT + 1; at += 1) {
      const method = authMethods[at % authMethods.length] ?? "none";
      outcomes.push(await outcomeOf(two.here.authenticate(await WRONG[method](client), address)));
    }
    expect(outcomes).toEqual([...Array(OF_CLIENT).fill("invalid_client"), "too_many_attempts"]);
  });

  it("counts ids that are longer than any as one client, and reads none of them", async () => {
    const calls: string[] = [];
    await using counted = await open({ wrap: (store) => recordCalls(store, calls) });
    const address = newAddress();
    const outcomes = [];
    for (let at = 0; at < OF_CLIENT + 1; at += 1) {
      const clientId = `${at}`.padEnd(256, "x");
      const presented = await PRESENT[authMethods[at % authMethods.length] ?? "none"]({ clientId, clientSecret: "x" });
      outcomes.push(await outcomeOf(counted.here.authenticate(presented, address)));
    }
    expect(outcomes).toEqual([...Array(OF_CLIENT).fill("invalid_client"), "too_many_attempts"]);
    expect(calls).not.toContain("findClient");
  });

  it("an unknown client costs as many reads and writes as a wrong credential", async () => {
    const calls: string[] = [];
    await using counted = await open({ wrap: (store) => recordCalls(store, calls) });
    const known = await add(counted.here, "private_key_jwt");
    const withSecret = await add(counted.here, "client_secret_basic");
    const unknown = { clientId: "4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f", clientSecret: "x" };
    const costOf = async (presented: PresentedCredentials) => {
      calls.length = 0;
      expect(await outcomeOf(counted.here.authenticate(presented, newAddress()))).toBe("invalid_client");
      return [...calls];
    };
    for (const method of authMethods) {
      const cost = await costOf(await PRESENT[method](unknown));
      expect(cost.filter((verb) => verb === "findClient")).toHaveLength(1);
      for (const client of [known, withSecret]) expect(await costOf(await WRONG[method](client)), method).toEqual(cost);
    }
  });
}

function recordCalls(store: Store, calls: string[]): Store {
  const record = <Name extends "findClient" | "addToCounts" | "readCounts">(name: Name) => ({
    [name]: (...parameters: never[]) => {
      calls.push(name);
      return (store[name] as (...parameters: never[]) => unknown)(...parameters);
    },
  });
  return { ...store, ...record("findClient"), ...record("addToCounts"), ...record("readCounts") };
}

describe("on the embedded database", () => describeMethods(openTwoOnSqlite));
describePostgres("on PostgreSQL", () => describeMethods(openTwoOnPostgres));

describe("the key of an assertion", () => {
  const algorithms: AssertionHeader["alg"][] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];
  const findKey = createClientKeys({ open: false, onError: () => {} });

  it.each(algorithms)("is for %s one to verify with, also of an unknown client: it costs as much", async (alg) => {
    const client = { authMethod: "private_key_jwt", grants: [], jwks: { keys: [{ ...key.jwk, kid: "a" }] } } as const;
    for (const owner of [undefined, { ...client, jwks: undefined }, client]) {
      const found = await findKey(owner, { alg, kid: "unknown" });
      expect(found).toMatchObject({ alg, key: { type: "public" } });
      expect(await findKey(undefined, { alg, kid: undefined })).toBe(await findKey(undefined, { alg, kid: "b" }));
    }
  });
});

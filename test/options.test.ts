import { describe, expect, it } from "vitest";
import { createTokenClient } from "../src/client/client.ts";
import { StartError } from "../src/errors.ts";
import { createRequestHandler, createTokenServer, createTokenService } from "../src/index.ts";
import { localCaller } from "../src/service/access/caller.ts";
import { bearerAuth } from "../src/verifier/middleware/node.ts";
import { createVerifier } from "../src/verifier/verifier.ts";
import { ISSUER, openService } from "./support/service.ts";

type Options = Record<string, unknown>;

/** Clocks that are none, by name: of a function nothing is shown. */
const WRONG_CLOCKS: Record<string, () => unknown> = {
  notANumber: () => Number.NaN,
  infinite: () => Number.POSITIVE_INFINITY,
  milliseconds: () => Date.now(),
  microseconds: () => Date.now() * 1000,
  fractions: () => Date.now() / 1000,
  text: () => "1798761600",
  iso: () => new Date().toISOString(),
  date: () => new Date(),
  bigint: () => 1798761600n,
  nothing: () => undefined,
  nil: () => null,
  zero: () => 0,
  negative: () => -1,
  promise: async () => 1798761600,
  throwing: () => {
    throw new Error(CANARY);
  },
};
const CANARY = "canary-canary-canary-canary";
const CLOCK = "clock must return whole seconds since 1970, as () => Math.floor(Date.now() / 1000) does";
const PLAIN = "must have no direction marks or other invisible characters, and no white space at its beginning or end";
/** What nobody sees in a text, or what changes how the rest of it is shown. */
const NOT_PLAIN = [
  ...["orders ", " orders", "\u00a0orders", "orders\u3000", "\ufefforders", "or\u202eders", "or\u200eders"],
  ...["or\u2066ders", "or\u200bders", "or\u200dders", "or\u00adders", "or\u2028ders", "or\u{e0041}ders"],
  ...["or\ufe0fders", "orders\u2800"],
];
/** URLs of where a service is called, and the URL that is meant. */
const ENDPOINTS: [url: string, meant: string][] = [
  ["https://x.example/trpc", "https://x.example"],
  ["https://x.example/trpc/", "https://x.example"],
  ["https://x.example//trpc//", "https://x.example/"],
  ["https://x.example:8443/auth/trpc", "https://x.example:8443/auth"],
  ["https://x.example/trpc/events", "https://x.example"],
  ["https://x.example/auth/trpc/getToken", "https://x.example/auth"],
  ["https://x.example/trpc/verifyToken/", "https://x.example"],
];
/** What only resembles one. */
const PREFIXES = [
  ...["https://x.example/auth", "https://x.example/auth/", "https://trpc", "https://x.example/trpcs"],
  ...["https://x.example/my-trpc", "https://x.example/trpc/auth"],
];

/** Options, and what is said of them: `undefined` where nothing is wrong. */
type Row = [options: Options, said: string | undefined];

const SECONDS = "must be a whole number of seconds, 1 to 316224000";
const COUNT = "must be a whole number, 0 or more";
const URL_RULE = "must be an http or https URL without query, fragment or credentials";
const KEK = "kek must be 32 bytes, as a Buffer or a Uint8Array";

const SERVICE: Row[] = [
  [{ isuer: ISSUER }, "unknown option isuer"],
  [{ isuer: ISSUER, ttl: 0 }, "unknown option isuer"],
  [{ [`${CANARY} !`]: 1 }, "an unknown option"],
  [{ issuer: "" }, "issuer must have at least 1 characters"],
  [{ issuer: 7 }, "issuer must be a string"],
  ...["tokens", "ftp://x", "https://x?q", "https://x#f", "https://a:b@x", " https://x", "https://x\n", "//x"].map(
    (issuer): Row => [
      { issuer },
      issuer.includes("\n") ? "issuer has a control character or a lone surrogate" : `issuer ${URL_RULE}`,
    ],
  ),
  [{ issuer: `https://x/${"a".repeat(255)}` }, "issuer must have at most 255 characters"],
  [{ issuer: "https://x/" }, undefined],
  [{ issuer: "https://x/path" }, undefined],
  [{ audience: "" }, "audience must have at least 1 characters"],
  [{ audience: "orders" }, undefined],
  [{ store: {} }, "store must be a store of openSqliteStore or openPostgresStore"],
  [{ store: "postgres://x" }, "store must be a store of openSqliteStore or openPostgresStore"],
  [{ alg: "HS256" }, "alg must be one of ES256, ES384, RS256, PS256, EdDSA"],
  [{ alg: "none" }, "alg must be one of ES256, ES384, RS256, PS256, EdDSA"],
  [{ secret: CANARY }, "secret must have at least 32 bytes"],
  [{ secret: "" }, "secret must have at least 32 bytes"],
  [{ secret: Buffer.alloc(32) }, "secret must be a string"],
  [{ secret: "é".repeat(16) }, undefined],
  [{ kek: Buffer.alloc(16) }, KEK],
  [{ kek: Buffer.alloc(0) }, KEK],
  [{ kek: Buffer.alloc(33) }, KEK],
  [{ kek: CANARY }, KEK],
  [{ kek: Array.from({ length: 32 }, () => 1) }, KEK],
  [{ kek: new ArrayBuffer(32) }, KEK],
  [{ kek: Buffer.alloc(32, 7) }, undefined],
  [{ kek: new Uint8Array(32).fill(7) }, undefined],
  ...["ttl", "maxTtl", "refreshTtl", "refreshIdle", "sessionTtl", "auditRetention"].flatMap((name) =>
    [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, "900", null, 1n].map(
      (value): Row => [{ [name]: value }, `${name} ${SECONDS}`],
    ),
  ),
  [{ registration: "open" }, undefined],
  [{ registration: true }, "registration must be one of open"],
  [{ ttl: 901, maxTtl: 900 }, "ttl must be at most maxTtl, which is 900"],
  [{ ttl: 86_401 }, "ttl must be at most maxTtl, which is 86400"],
  [{ ttl: 900, maxTtl: 900 }, undefined],
  [{ maxTtl: 60 }, undefined],
  [{ rotation: Number.NaN }, `rotation ${SECONDS}`],
  [{ rotation: 1319 }, "rotation must be at least 1320 seconds: a key is published 660 seconds before it signs"],
  [{ rotation: 1320 }, undefined],
  [{ replayWindow: -1 }, `replayWindow ${SECONDS}`],
  [{ replayWindow: 60, refreshIdle: 60 }, "replayWindow must be less than refreshIdle, which is 60"],
  [{ replayWindow: 700_000 }, "replayWindow must be less than refreshIdle, which is 604800"],
  [{ replayWindow: 0 }, undefined],
  [{ refreshIdle: 5 }, undefined],
  [{ maxStaleness: 0 }, "maxStaleness must be more than 0"],
  [{ maxStaleness: Number.NaN }, "maxStaleness must be a number"],
  [{ maxFollowers: { total: 1 } }, `maxFollowers.perClient ${COUNT}`],
  [{ maxFollowers: { total: -1, perClient: 1 } }, `maxFollowers.total ${COUNT}`],
  [{ maxFollowers: 5 }, "maxFollowers must be an object"],
  [{ rateLimits: { isue: {} } }, "unknown option rateLimits.isue"],
  [{ rateLimits: { issue: { perClients: 1 } } }, "unknown option rateLimits.issue.perClients"],
  [{ rateLimits: { issue: { perClient: -1 } } }, `rateLimits.issue.perClient ${COUNT}`],
  [{ rateLimits: { issue: { perClient: 0 } } }, undefined],
  ...["runsMaintenance", "guest", "open"].map((name): Row => [{ [name]: "false" }, `${name} must be true or false`]),
  [{ tracer: {} }, "tracer must be a tracer of OpenTelemetry"],
  ...["clock", "onError", "onNotice"].map((name): Row => [{ [name]: 0 }, `${name} must be a function`]),
  ...Object.values(WRONG_CLOCKS).map((clock): Row => [{ clock }, CLOCK]),
  [{ clock: () => 4_102_444_800 }, undefined],
  ...NOT_PLAIN.map((audience): Row => [{ audience }, `audience ${PLAIN}`]),
  ...["or\u0000ders", "orders\n", "or\u0085ders", "or\ud800ders"].map(
    (audience): Row => [{ audience }, "audience has a control character or a lone surrogate"],
  ),
  ...["https://x\u202e.example", "https://x.example/\u200b", "https://x.example/a\u00adb"].map(
    (issuer): Row => [{ issuer }, `issuer ${PLAIN}`],
  ),
  [{ audience: "orders of \u65e5\u672c" }, undefined],
  [{ maxStaleness: Number.POSITIVE_INFINITY }, "maxStaleness must be a number, and not infinite"],
  [{ issuer: undefined, ttl: undefined, kek: undefined, rateLimits: undefined }, undefined],
];

const SERVER: Row[] = [
  [{ prot: 3000 }, "unknown option prot"],
  ...[-1, 65_536, 1.5, Number.NaN, "3000", null].map(
    (port): Row => [{ port }, "port must be a port number, 0 to 65535 (0 picks a free one)"],
  ),
  [{ host: "" }, "host must have at least 1 characters"],
  [{ host: 1 }, "host must be a string"],
  [{ trustProxy: "loopback" }, "trustProxy must be a list"],
  [{ origins: "https://app.example" }, "origins must be a list"],
  [{ timeouts: { silense: 1 } }, "unknown option timeouts.silense"],
  [{ timeouts: { silence: -1 } }, "timeouts.silence must be a whole number of milliseconds, 0 or more"],
  [{ theme: { titel: "Acme" } }, "unknown option theme.titel"],
  [{ theme: { title: "Ac\u202eme" } }, "theme.title must be visible, without direction marks"],
  [
    { theme: { logo: "http://acme.example/logo.svg" } },
    "theme.logo must be an https URL without query and credentials, or an image as a data: URL",
  ],
  [{ theme: { colour: "red" } }, "theme.colour must be a colour as #rrggbb"],
  [{ router: {} }, "router must be a router of tRPC"],
  [{ logger: console }, "logger must be a logger of pino"],
];

const VERIFIER: Row[] = [
  [{ isuer: ISSUER }, "unknown option isuer"],
  [{ issuer: undefined }, "issuer is required"],
  [{ credentials: { clientId: "a", clientSecret: "" } }, "credentials.clientSecret must have at least 1 characters"],
  [{ credentials: { clientId: "a", secret: CANARY } }, "unknown option credentials.secret"],
  [{ onStale: "ignore" }, "onStale must be one of reject, accept"],
  [{ url: "https://x?q" }, "url must be an http or https URL without credentials, query or fragment"],
  ...ENDPOINTS.map(([url, meant]): Row => [{ url }, `url must be without /trpc, which is added to it: ${meant}`]),
  ...PREFIXES.map((url): Row => [{ url }, undefined]),
  [{ issuer: "https://x.example/trpc" }, "url is needed, since the issuer ends with /trpc"],
  [{ issuer: "https://x.example/trpc", url: "https://x.example" }, undefined],
  ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, "30", null].map(
    (maxStaleness): Row => [
      { maxStaleness },
      'maxStaleness must be a number of seconds, more than 0: for no limit, set onStale: "accept"',
    ],
  ),
  [{ maxStaleness: 0.4 }, undefined],
  ...[-1, 61, Number.POSITIVE_INFINITY].map(
    (clockTolerance): Row => [{ clockTolerance }, "clockTolerance must be a number of seconds, 0 to 60"],
  ),
  ...[0, 1.5, Number.POSITIVE_INFINITY].map(
    (maxLifetime): Row => [{ maxLifetime }, "maxLifetime must be a whole number of seconds, 1 or more"],
  ),
  ...Object.values(WRONG_CLOCKS).map((clock): Row => [{ clock }, CLOCK]),
  ...NOT_PLAIN.map((audience): Row => [{ audience }, `audience ${PLAIN}`]),
  ...NOT_PLAIN.map(
    (audience): Row => [
      { audience: ["orders", audience] },
      // Beside the right audience may stand one that tokens have by mistake.
      /\p{Default_Ignorable_Code_Point}|\p{Cf}|\u2028/u.test(audience) ? `audience ${PLAIN}` : undefined,
    ],
  ),
  ...NOT_PLAIN.map((issuer): Row => [{ issuer, url: ISSUER }, `issuer ${PLAIN}`]),
];

const CLIENT: Row[] = [
  [{ url: ISSUER, credential: {} }, "unknown option credential"],
  [{}, "url must be an http or https URL without credentials, query or fragment"],
  ...["x", "ftp://x", "https://a:b@x", "https://x?q", "https://x#f", "//x", 7].map(
    (url): Row => [{ url }, "url must be an http or https URL without credentials, query or fragment"],
  ),
  [{ url: ISSUER, credentials: {} }, "credentials must have a clientId and a clientSecret"],
  [{ url: ISSUER, credentials: { clientId: CANARY } }, "credentials must have a clientId and a clientSecret"],
  [{ url: ISSUER, credentials: null }, "credentials must have a clientId and a clientSecret"],
  ...ENDPOINTS.map(([url, meant]): Row => [{ url }, `url must be without /trpc, which is added to it: ${meant}`]),
  ...ENDPOINTS.map(
    ([url, meant]): Row => [{ url: new URL(url) }, `url must be without /trpc, which is added to it: ${meant}`],
  ),
  [{ url: "/trpc" }, "url must be without /trpc, which is added to it: /"],
  [{ url: "/auth/trpc/" }, "url must be without /trpc, which is added to it: /auth"],
  ...PREFIXES.map((url): Row => [{ url }, undefined]),
  ...["/auth", "", new URL(ISSUER), `${ISSUER}/`].map((url): Row => [{ url }, undefined]),
];

const MIDDLEWARE: Row[] = [
  [{ scopes: "a" }, "unknown option scopes"],
  [{ scope: "" }, "scope must be scope tokens separated by single spaces"],
  [{ realm: 'a"b' }, "realm must be printable ASCII without quotes and backslashes"],
  [{ onRefusal: 1 }, "onRefusal must be a function"],
];

/** What a function says of options, or `undefined` where it takes them. */
async function saidOf(start: () => unknown): Promise<string | undefined> {
  try {
    await start();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    expect(String(error)).not.toContain(CANARY);
    return error instanceof Error ? error.message : "";
  }
}

const expected = (name: string, said: string | undefined) => said && `${name}: ${said}`;

describe("options are checked by name, and no value is quoted", () => {
  it.each(SERVICE)("createTokenService(%o)", async (options, said) => {
    // What is wrong is seen before the store is opened; what is right opens a real one.
    const start = async () => {
      if (said === undefined) await (await openService(options as never))[Symbol.asyncDispose]();
      else await createTokenService(options as never);
    };
    expect(await saidOf(start)).toBe(expected("createTokenService", said));
  });

  it.each(SERVER)("createTokenServer(service, %o)", async (options, said) => {
    await using opened = await openService();
    expect(await saidOf(() => createTokenServer(opened.service, options as never))).toBe(
      expected("createTokenServer", said),
    );
    if ("port" in options || "host" in options || "prot" in options || "timeouts" in options) return;
    expect(await saidOf(() => createRequestHandler(opened.service, options as never))).toBe(
      expected("createRequestHandler", said),
    );
  });

  it.each(VERIFIER)("createVerifier(%o)", async (changes, said) => {
    const options = { issuer: ISSUER, audience: ISSUER, fetch: () => new Promise(() => {}), ...changes };
    expect(await saidOf(() => createVerifier(options as never).close())).toBe(expected("createVerifier", said));
  });

  it.each(CLIENT)("createTokenClient(%o)", async (options, said) => {
    expect(await saidOf(() => createTokenClient(options as never))).toBe(expected("createTokenClient", said));
  });

  it.each(MIDDLEWARE)("bearerAuth(verifier, %o)", async (options, said) => {
    const start = () => bearerAuth({ verify: async () => ({}) }, options as never);
    expect(await saidOf(start)).toBe(expected("bearer middleware", said));
  });

  it.each(["HTTP://Host:80/", "https://Tokens.Example:443/Auth/"])(
    "the issuer %s is kept as it is written",
    async (issuer) => {
      await using opened = await openService({ issuer });
      const { token } = await opened.service.getToken(localCaller, { claims: {} });
      expect(await opened.service.verifyToken({ token })).toMatchObject({ iss: issuer, aud: issuer });
    },
  );

  it("a lifetime limit below the default lifetime is the lifetime of a token that asks for none", async () => {
    await using opened = await openService({ maxTtl: 60 });
    const { expiresIn } = await opened.service.getToken(
      { clientId: "local", permissions: ["admin"], scopes: [], audiences: [], anySubject: true },
      { claims: {} },
    );
    expect(expiresIn).toBe(60);
  });
});

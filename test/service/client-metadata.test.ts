import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { completeFields, type NewClient } from "../../src/service/clients/client-metadata.ts";
import type { ClientView } from "../../src/service/clients/clients.ts";
import { type ClientMetadata, MACHINE_CLIENT } from "../../src/store/client.ts";
import { newClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const CALLBACK = "https://app.example/callback";
const JWKS_URI = "https://ci.example/jwks.json";

const keyPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = keyPair.publicKey.export({ format: "jwk" });
const jwks = { keys: [jwk] };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

const web = { redirectUris: [CALLBACK] };
const withKeys = { permissions: ["issue"], jwks } as const;

describe("the defaults of a client", () => {
  it.each<[name: string, fields: Partial<NewClient>, expected: Partial<ClientMetadata>]>([
    ["a machine client", {}, MACHINE_CLIENT],
    ["a client with keys", { jwks }, { authMethod: "private_key_jwt" }],
    ["a client with the URL of its keys", { jwksUri: JWKS_URI }, { authMethod: "private_key_jwt" }],
    ["a web application", web, { grants: ["authorization_code", "refresh_token"] }],
    [
      "one that may also issue",
      { ...web, permissions: ["issue"] },
      { grants: ["authorization_code", "client_credentials", "refresh_token"] },
    ],
    [
      "one that administers",
      { ...web, permissions: ["admin"] },
      { grants: ["authorization_code", "client_credentials", "refresh_token"] },
    ],
    [
      "one that may introspect",
      { ...web, permissions: ["introspect"] },
      { grants: ["authorization_code", "refresh_token"] },
    ],
    ["a public client", { authMethod: "none", ...web }, { grants: ["authorization_code", "refresh_token"] }],
    ["a public client without redirect URIs", { authMethod: "none" }, { grants: ["refresh_token"] }],
    ["a client with chosen grants", { grants: ["client_credentials"] }, { grants: ["client_credentials"] }],
    [
      "a device",
      { authMethod: "none", grants: ["refresh_token", "device_code"] },
      { grants: ["device_code", "refresh_token"] },
    ],
    ["a client without grants", { grants: [] }, { grants: [] }],
  ])("of %s", (_, fields, expected) => {
    expect(completeFields(newClient(fields))).toMatchObject({
      authMethod: fields.authMethod ?? "client_secret_basic",
      ...expected,
    });
  });

  it("are written in one way, whatever the order and the repetitions of a request", () => {
    const grants = ["refresh_token", "client_credentials", "refresh_token"] as const;
    const fields = completeFields(
      newClient({ grants, redirectUris: [], postLogoutRedirectUris: [], firstParty: false }),
    );
    expect(JSON.parse(JSON.stringify(fields))).toEqual({ ...newClient(), ...MACHINE_CLIENT });
  });
});

describe("the metadata of a client", () => {
  let opened: Awaited<ReturnType<typeof openService>>;
  beforeAll(async () => {
    opened = await openService({ open: false });
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  const create = (fields: Partial<NewClient>) => opened.service.clients.create(localCaller, newClient(fields));
  type Update = Parameters<typeof opened.service.clients.update>[1];
  const update = (change: Update) => opened.service.clients.update(localCaller, change);
  const stored = async (clientId: string) =>
    (await opened.service.clients.list(localCaller)).find((client) => client.clientId === clientId);
  const invalid = (path: string, message = /^/) => ({
    reason: "invalid_request",
    issues: [{ path, message: expect.stringMatching(message) }],
  });

  it("is returned as it was given, and stored", async () => {
    const given = {
      ...web,
      grants: ["authorization_code", "refresh_token"],
      postLogoutRedirectUris: ["https://app.example/bye"],
      firstParty: true,
      backchannelLogoutUri: "https://app.example/logout",
    } satisfies Partial<NewClient>;
    const { clientSecret, ...created } = await create(given);
    expect(created).toMatchObject({ ...given, authMethod: "client_secret_basic" });
    expect(clientSecret).not.toBe("");
    expect(await stored(created.clientId)).toEqual(created);
  });

  it.each<Partial<NewClient>>([{ authMethod: "none" }, { jwks }, { jwksUri: JWKS_URI }])(
    "without a secret: %j has none, and gets none",
    async (fields) => {
      const { clientId, clientSecret, secrets } = await create(fields);
      expect({ clientSecret, secrets }).toEqual({ clientSecret: "", secrets: [] });
      const rotation = opened.service.clients.rotateSecret(localCaller, { clientId, overlap: 0 });
      await expect(rotation).rejects.toMatchObject(invalid("clientId"));
      expect(await stored(clientId)).toMatchObject({ secrets: [] });
    },
  );

  const rules: [rule: string, fields: Partial<NewClient>, path: string, message?: RegExp][] = [
    ["a public client has no permissions", { authMethod: "none", permissions: ["revoke"] }, "permissions"],
    ["a public client has no client credentials", { authMethod: "none", grants: ["client_credentials"] }, "grants"],
    ["private_key_jwt needs keys", { authMethod: "private_key_jwt" }, "jwks"],
    ["private_key_jwt has keys in one place", { jwks, jwksUri: JWKS_URI }, "jwks"],
    ["keys are for private_key_jwt", { authMethod: "client_secret_post", jwks }, "authMethod"],
    ["keys are not for a public client", { authMethod: "none", jwksUri: JWKS_URI }, "authMethod"],
    ["redirect URIs need the grant of a code", { ...web, grants: ["refresh_token"] }, "redirectUris"],
    ["the grant of a code needs redirect URIs", { grants: ["authorization_code"] }, "redirectUris"],
    [
      "every redirect URI is valid",
      { redirectUris: [CALLBACK, "http://app.example/"] },
      "redirectUris",
      /^must be https/,
    ],
    ["every logout URI is valid", { postLogoutRedirectUris: ["javascript:1"] }, "postLogoutRedirectUris"],
    ["the URL of keys is by https", { jwksUri: "http://127.0.0.1/jwks.json" }, "jwksUri", /^must be an https URL$/],
    ["the URL of keys is not empty", { jwksUri: "" }, "jwksUri"],
    ["also not for a chosen method", { authMethod: "private_key_jwt", jwksUri: "" }, "jwksUri"],
    ["the logout URL is not empty", { backchannelLogoutUri: "" }, "backchannelLogoutUri"],
    ["no redirect URI is empty", { redirectUris: [""] }, "redirectUris"],
    ["no logout URI is empty", { postLogoutRedirectUris: [""] }, "postLogoutRedirectUris"],
    ["the logout URL is by https", { backchannelLogoutUri: "http://app.example/" }, "backchannelLogoutUri"],
    [
      "people are asked for consent to a program without a secret",
      { authMethod: "none", redirectUris: ["http://127.0.0.1/callback"], firstParty: true },
      "firstParty",
    ],
    [
      "also with a scheme of its own",
      { authMethod: "none", redirectUris: [CALLBACK, "com.example.app:/callback"], firstParty: true },
      "firstParty",
    ],
    ["a JWK Set has a key", { jwks: { keys: [] } }, "jwks.keys"],
    [
      "a key is a public one",
      { jwks: { keys: [keyPair.privateKey.export({ format: "jwk" })] } },
      "jwks",
      /private members/,
    ],
    [
      "a key is not symmetric",
      { jwks: { keys: [{ kty: "oct", k: "AAAA", alg: "HS256" }] } },
      "jwks",
      /private members/,
    ],
    ["a key is for signatures", { jwks: { keys: [{ ...jwk, use: "enc" }] } }, "jwks", /not for signatures/],
    ["a key is of a supported algorithm", { jwks: { keys: [{ ...jwk, alg: "none" }] } }, "jwks", /not supported/],
    [
      "a key is a point of its curve",
      { jwks: { keys: [{ ...jwk, x: jwk.y, y: jwk.x }] } },
      "jwks",
      /no valid public key/,
    ],
    ["every key is valid", { jwks: { keys: [jwk, {}] } }, "jwks", /^keys\.1 /],
    ["keys of an algorithm have names", { jwks: { keys: [jwk, jwk] } }, "jwks", /without different kids/],
    ["all of them have", { jwks: { keys: [jwk, { ...jwk, kid: "a" }] } }, "jwks", /without different kids/],
    [
      "and different ones",
      {
        jwks: {
          keys: [
            { ...jwk, kid: "a" },
            { ...jwk, kid: "a" },
          ],
        },
      },
      "jwks",
      /without different kids/,
    ],
    ["a client has 10 keys at most", { jwks: { keys: Array(11).fill(jwk) } }, "jwks.keys"],
    ["a client has 20 redirect URIs at most", { redirectUris: Array(21).fill(CALLBACK) }, "redirectUris"],
  ];

  it.each(rules)("follows the rule: %s", async (_, fields, ...[path, message]) => {
    const before = await opened.service.clients.list(localCaller);
    await expect(create(fields)).rejects.toMatchObject(invalid(path, message));
    expect(await opened.service.clients.list(localCaller)).toEqual(before);
  });

  it.each<[name: string, fields: Partial<NewClient>, change: Omit<Update, "clientId">, path: string]>([
    ["permissions of a public client", { authMethod: "none" }, { permissions: ["issue"] }, "permissions"],
    ["client credentials of a public client", { authMethod: "none" }, { grants: ["client_credentials"] }, "grants"],
    ["keys of a client with a secret", {}, { jwks }, "authMethod"],
    ["keys of a public client", { authMethod: "none" }, { jwksUri: JWKS_URI }, "authMethod"],
    ["no keys", withKeys, { jwks: null }, "jwks"],
    ["no URL of keys", { jwksUri: JWKS_URI }, { jwksUri: null }, "jwks"],
    ["keys in two places", withKeys, { jwks, jwksUri: JWKS_URI }, "jwks"],
    ["no redirect URI for codes", web, { redirectUris: [] }, "redirectUris"],
    ["redirect URIs without the grant", {}, web, "redirectUris"],
    ["no grant for redirect URIs", web, { grants: [] }, "redirectUris"],
    ["a URI that runs a script", web, { redirectUris: ["javascript:alert(1)"] }, "redirectUris"],
    ["an empty URL of keys", withKeys, { jwksUri: "" }, "jwksUri"],
    ["an empty URL in place of another", { jwksUri: JWKS_URI }, { jwksUri: "" }, "jwksUri"],
    ["an empty logout URL", web, { backchannelLogoutUri: "" }, "backchannelLogoutUri"],
    ["a logout URL by http", web, { backchannelLogoutUri: "http://127.0.0.1/" }, "backchannelLogoutUri"],
  ])("is not changed to %s", async (_, fields, ...[change, path]) => {
    const { clientId } = await create(fields);
    const before = await stored(clientId);
    await expect(update({ clientId, ...change })).rejects.toMatchObject(invalid(path));
    expect(await stored(clientId)).toEqual(before);
  });

  it("is changed and removed field by field", async () => {
    const { clientId } = await create(withKeys);
    const changes: [change: Omit<Update, "clientId">, expected: Partial<ClientView>][] = [
      [{ jwksUri: JWKS_URI }, { jwksUri: JWKS_URI, jwks: undefined }],
      [{ jwks }, { jwks, jwksUri: undefined }],
      [
        { ...web, grants: ["authorization_code"] },
        { ...web, grants: ["authorization_code"] },
      ],
      [
        { redirectUris: [], grants: ["refresh_token"] },
        { redirectUris: undefined, grants: ["refresh_token"] },
      ],
      [{ firstParty: true }, { firstParty: true }],
      [{ firstParty: false }, { firstParty: undefined }],
      [{ backchannelLogoutUri: "https://app.example/out" }, { backchannelLogoutUri: "https://app.example/out" }],
      [{ backchannelLogoutUri: null }, { backchannelLogoutUri: undefined }],
    ];
    for (const [change, expected] of changes) {
      const changed = await update({ clientId, ...change });
      expect(changed).toMatchObject(expected);
      expect(await stored(clientId)).toEqual(JSON.parse(JSON.stringify(changed)));
    }
    const { records } = await opened.service.audit.list(localCaller, { action: "clients.update", limit: 8 });
    expect(records.map(({ fields }) => fields).at(-1)).toEqual(["jwksUri"]);
  });

  it("has of keys the members alone that verify signatures", async () => {
    const more = { x5c: ["A".repeat(100_000)], key_ops: ["verify"], ext: true, note: "not for others" };
    const { clientId, jwks: kept } = await create({ jwks: { keys: [{ ...more, use: "sig", ...jwk, kid: "a" }] } });
    expect(kept).toEqual({ keys: [{ ...jwk, kid: "a", use: "sig" }] });
    expect((await stored(clientId))?.jwks).toEqual(kept);
  });

  it("has ten RSA keys", async () => {
    const keys = Array.from({ length: 10 }, (_, at) => ({ ...rsa, kid: `key ${at}`.replace(" ", "-"), alg: "RS256" }));
    await expect(create({ jwks: { keys } })).resolves.toMatchObject({ jwks: { keys } });
  });

  it.each<[name: string, fields: Record<string, unknown>, path: string]>([
    ["a text for a list", { redirectUris: "https://app.example/" }, "redirectUris"],
    ["a text for permissions", { permissions: "admin" }, "permissions"],
    ["an unknown permission", { permissions: ["root"] }, "permissions.0"],
    ["a list of no texts", { redirectUris: [{}] }, "redirectUris.0"],
    ["an unknown method", { authMethod: "tls_client_auth" }, "authMethod"],
    ["a method by the name of a prototype's member", { authMethod: "constructor" }, "authMethod"],
    ["an unknown grant", { grants: ["password"] }, "grants.0"],
    ["a text for grants", { grants: "client_credentials" }, "grants"],
    ["keys that are no list", { jwks: { keys: "x" } }, "jwks.keys"],
    ["a key that is no object", { jwks: { keys: [null] } }, "jwks.keys.0"],
    ["null for a field", { jwksUri: null }, "jwksUri"],
    ["a truthy value for a right", { firstParty: 1 }, "firstParty"],
    ["a truthy value for any subject", { anySubject: "no" }, "anySubject"],
    ["a number for a URL", { backchannelLogoutUri: 1 }, "backchannelLogoutUri"],
    ["no name", { name: undefined }, "name"],
  ])("is not taken from a caller in this process that is not type-checked: %s", async (_, fields, path) => {
    const before = await opened.service.clients.list(localCaller);
    await expect(create(fields as Partial<NewClient>)).rejects.toMatchObject(invalid(path));
    expect(await opened.service.clients.list(localCaller)).toEqual(before);
  });

  it("cannot be changed in what is settled", async () => {
    const { clientId } = await create({});
    const change = { authMethod: "none", clientId, secrets: [], createdAt: 1, name: "other" };
    await update(change as unknown as Update);
    expect(await stored(clientId)).toMatchObject({ authMethod: "client_secret_basic", secrets: [{}], name: "other" });
    for (const name of [null, 1]) {
      const other = { clientId, name } as unknown as Update;
      await expect(update(other)).rejects.toMatchObject(invalid("name"));
    }
  });
});

describe("where access is open", () => {
  it("keys and logout URLs may be on loopback", async () => {
    await using opened = await openService();
    const url = "http://127.0.0.1:4321/x";
    const created = await opened.service.clients.create(
      localCaller,
      newClient({ jwksUri: url, backchannelLogoutUri: url }),
    );
    expect(created).toMatchObject({ jwksUri: url, backchannelLogoutUri: url });
  });
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { build } from "esbuild";
import { generate } from "openapi-typescript-codegen";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalogue } from "../../src/errors.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic, type Credentials, callAs } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { readApi } from "../support/openapi.ts";
import { beginSignIn, sessionOf } from "../support/people.ts";
import { MCP, newResource } from "../support/resources.ts";
import { openServer, temporaryFolder } from "../support/service.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]).optional() });

type Operation = {
  description?: string;
  security?: object[];
  "x-permission"?: string;
  "x-rate-limit"?: object;
  requestBody: { required: boolean; content: Content };
  responses: Record<string, { description: string; content: Content; headers?: Record<string, object> }>;
};
type Content = { "application/json": { schema: object; examples?: object } };
type Field = { enum?: string[]; example?: string | [] };
type FormContent = Content &
  Record<"application/x-www-form-urlencoded", { schema: { properties: Record<string, Field> } }>;
type Gateway = {
  servers: { url: string }[];
  get: { responses: Record<string, { content: Content; headers: object }> };
};
type Api = { paths: Record<string, { post: Operation }> & { "/verify"?: Gateway }; servers: { url: string }[] };

function operation({ paths }: Api, path: string): Operation {
  const { post } = paths[path] ?? {};
  if (post === undefined) throw new Error(`${path} is not described`);
  return post;
}

let server: Awaited<ReturnType<typeof openServer<typeof claims>>>;
let admin: Credentials;
let api: Api;
beforeAll(async () => {
  server = await openServer({ open: false, claims });
  admin = await addClient(server.service, { permissions: ["admin"], anySubject: true, scopes: ["*"] });
  api = await readApi(server.url);
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the API description", () => {
  it("is OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(await servedApi());
    expect({ valid, errors, version: validator.version }).toEqual({ valid: true, errors: undefined, version: "3.1" });
  });

  it("has each error response once, which operations refer to", async () => {
    const { paths, components } = (await servedApi()) as unknown as Api & { components: { responses: object } };
    const shared = Object.values(components.responses).map((response) => JSON.stringify(response));
    expect(new Set(shared).size).toBe(shared.length);
    const operations = Object.values(paths).flatMap((path) => Object.values(path) as Partial<Operation>[]);
    const errors = operations.flatMap(({ responses = {} }) =>
      Object.entries(responses).filter(([status]) => Number(status) >= 400),
    );
    expect(errors.length).toBeGreaterThan(2 * shared.length);
    for (const [status, response] of errors)
      expect(response).toEqual({ $ref: expect.stringMatching(`^#/components/responses/${status}-\\d+$`) });
  });

  it("has every procedure but the feed, by POST with JSON, and each error reason by status", () => {
    const names = Object.keys(createTokenRouter(server.service)._def.procedures).filter((name) => name !== "events");
    const { "/verify": gateway, ...others } = api.paths;
    expect(gateway).toBeDefined();
    const procedures = Object.fromEntries(
      Object.entries(others).filter(([path]) => !/^\/(oauth|\.well-known)\//.test(path)),
    );
    expect(Object.keys(procedures)).toEqual(names.map((name) => `/${name}`));
    for (const [path, methods] of Object.entries(procedures)) {
      expect([path, Object.keys(methods)]).toEqual([path, ["post"]]);
      const { requestBody, responses } = methods.post;
      expect([path, requestBody.required, Object.keys(requestBody.content)]).toEqual([
        path,
        true,
        ["application/json"],
      ]);
      for (const [status, { content, headers }] of Object.entries(responses).filter(([status]) => status !== "200")) {
        const { schema, examples } = content["application/json"];
        const { data } = (schema as ErrorSchema).properties.error.properties;
        expect([path, status, data.properties.httpStatus.enum]).toEqual([path, status, [Number(status)]]);
        expect([path, status, data.properties.reason.enum]).toEqual([path, status, Object.keys(examples ?? {})]);
        for (const reason of data.properties.reason.enum) expect(catalogue).toHaveProperty(reason);
        expect([path, status, headers !== undefined && "Retry-After" in headers]).toEqual([
          path,
          status,
          status === "429",
        ]);
      }
    }
  });

  it("says of every procedure who may call it and how often", () => {
    const accessTo = (path: string) => {
      const { description = "", security, "x-permission": permission, "x-rate-limit": rate } = operation(api, path);
      return { text: description.split("\n\n").at(-1), security, permission, rate };
    };
    expect(accessTo("/getToken")).toEqual({
      text: "Permission: `issue`. Rate: 30,000 of one client, 60,000 of one address a minute.",
      security: [{ client: [] }],
      permission: "issue",
      rate: { perClient: 30_000, perAddress: 60_000 },
    });
    expect(accessTo("/verifyToken")).toEqual({
      text: "Permission: none. Rate: 600,000 of one address a minute.",
      security: [],
      permission: undefined,
      rate: { perAddress: 600_000 },
    });
    expect(accessTo("/keys.rotate")).toEqual({
      text: "Permission: `rotate_keys`.",
      security: [{ client: [] }],
      permission: "rotate_keys",
      rate: undefined,
    });
  });

  it("explains each reason, and what to do", () => {
    const { description } = operation(api, "/verifyToken").responses["403"] ?? {};
    expect(description?.split("\n\n")).toEqual([
      "`insufficient_scope`: The token is valid and lacks a required scope. *Request a token with that `scope`.*",
      expect.stringMatching(/^`forbidden_origin`: /),
    ]);
  });

  it("locks nothing where access is open", async () => {
    await using opened = await openServer({ rateLimits: { issue: { perClient: 9 } } });
    const described = await readApi<Api>(opened.url);
    expect(JSON.stringify(described)).not.toMatch(/"security(Schemes)?"/);
    expect(api.paths["/verify"]?.get).toMatchObject({ security: [{ token: [] }] });
    expect(operation(described, "/getToken").description).toMatch(
      /\n\nPermission: `issue`, which every caller has here. Rate: 9 of one client a minute.$/,
    );
    expect(operation(described, "/verifyToken").description).toMatch(/\n\nPermission: none. Rate: unlimited.$/);
  });

  it("has a form of /oauth/token whose prefilled values get a token: what may be left out is blank", async () => {
    await using opened = await openServer();
    const content = operation(await readApi<Api>(opened.url), "/oauth/token").requestBody.content as FormContent;
    const { properties } = content["application/x-www-form-urlencoded"].schema;
    const prefilled = Object.entries(properties).map(
      ([name, { enum: values, example = values?.[0] ?? "string" }]): [string, string] => [name, String(example)],
    );
    const body = new URLSearchParams(prefilled.filter(([, value]) => value !== ""));
    expect((await fetch(`${opened.url}/oauth/token`, { method: "POST", body })).status).toBe(200);
  });

  it("describes the answers", async () => {
    const { data } = await expectDescribed("getToken", {
      subject: "ada",
      refreshable: true,
      claims: { role: "writer" },
    });
    const { token, refreshToken } = data as { token: string; refreshToken: string };
    const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const { data: client } = await expectDescribed("clients.create", newClient({ maxTtl: 60 }));
    const { clientId } = client as { clientId: string };
    const [handle, sid] = [await beginSignIn(server.service), await sessionOf(server.service, "bob")];
    const calls: [procedure: string, input: object][] = [
      ["verifyToken", { token }],
      ["introspectToken", { token }],
      ["introspectToken", { token: "x" }],
      ["refreshToken", { refreshToken }],
      ["keys.rotate", {}],
      ["keys.list", {}],
      ["clients.list", {}],
      ["clients.rotateSecret", { clientId }],
      ["clients.update", { clientId, scopes: ["a"], maxTtl: null }],
      ["clients.remove", { clientId }],
      ["resources.create", newResource()],
      ["resources.list", {}],
      ["resources.remove", { audience: MCP }],
      ["grants.list", { subject: "ada" }],
      ["revokeToken", { token }],
      ["tokens.find", { jti }],
      ["revoke", { subject: "ada" }],
      ["revoke", { sid: "unknown" }],
      ["audit.list", { limit: 100 }],
      ["sessions.list", { subject: "bob" }],
      ["sessions.revoke", { sid }],
      ["sessions.revoke", { sid: "unknown" }],
      ["consents.list", { subject: "bob" }],
      ["consents.revoke", { subject: "bob", clientId }],
      ["signIn.describe", { handle }],
      ["signIn.accept", { handle, subject: "bob", claims: { role: "writer" }, authTime: 1, scope: "", profile: {} }],
      ["signIn.refuse", { handle: await beginSignIn(server.service) }],
    ];
    for (const [procedure, input] of calls)
      expect([procedure, (await expectDescribed(procedure, input)).status]).toEqual([procedure, 200]);
    const refusals: [procedure: string, input: object, status: number][] = [
      ["getToken", { subject: 1 }, 400],
      ["getToken", { sub: "ada" }, 400],
      ["keys.list", { limit: 1 }, 400],
      ["verifyToken", { token }, 401],
      ["refreshToken", { refreshToken }, 401],
      ["clients.remove", { clientId }, 404],
      ["clients.update", { clientId }, 400],
      ["clients.update", { clientId, name: "x" }, 404],
      ["resources.create", newResource({ audience: "mcp" }), 400],
      ["resources.remove", { audience: MCP }, 404],
      ["signIn.describe", { handle: "a".repeat(43) }, 404],
      ["signIn.accept", { handle, subject: "bob", claims: { role: "owner" } }, 400],
    ];
    for (const [procedure, input, status] of refusals)
      expect([procedure, (await expectDescribed(procedure, input)).status]).toEqual([procedure, status]);
  });

  it("describes the answers to gateways, at a path beside the procedures", async () => {
    const { servers: [place] = [], get } = api.paths["/verify"] as unknown as Gateway;
    const url = new URL(`${place?.url}/verify`, `${server.url}/openapi.json`);
    const { token } = await server.service.getToken(localCaller, { claims: {} });
    for (const [query, authorization, status] of [
      ["", `Bearer ${token}`, 200],
      ["?scope=a", `Bearer ${token}`, 403],
      ["", "Bearer x", 401],
      ["", "", 401],
      ["?x", "", 400],
    ] as const) {
      const answer = await fetch(`${url}${query}`, { headers: { authorization } });
      const described = get.responses[status];
      expect([query, answer.status]).toEqual([query, status]);
      for (const name of Object.keys(described?.headers ?? {})) expect(answer.headers.has(name), name).toBe(true);
      if (status === 200) continue;
      const schema = described?.content["application/json"].schema ?? false;
      expect(new Ajv2020.default({ strict: false }).compile(schema)(await answer.json())).toBe(true);
    }
  });

  it("describes the claims of tokens without a schema", async () => {
    await using opened = await openServer();
    const { data } = await expectDescribed("getToken", { claims: { role: "reader", id: "1" } }, opened.url);
    const { token } = data as { token: string };
    for (const procedure of ["verifyToken", "introspectToken"])
      expect((await expectDescribed(procedure, { token }, opened.url)).status).toBe(200);
  });

  /** Calls a procedure, and expects its answer to be as is described. */
  async function expectDescribed(procedure: string, input: object, url = server.url) {
    const authorization = url === server.url ? basic(admin) : undefined;
    const answer = await callAs(url, { procedure, input, authorization });
    const { paths } = await readApi<Api>(url);
    const described = paths[`/${procedure}`]?.post.responses[answer.status];
    const validate = new Ajv2020.default({ strict: false, validateFormats: false }).compile(
      described?.content["application/json"].schema ?? false,
    );
    expect([procedure, answer.text, validate(JSON.parse(answer.text)), validate.errors]).toEqual([
      procedure,
      answer.text,
      true,
      null,
    ]);
    return answer;
  }
});

/** The document as it is, with its shared responses. */
async function servedApi(): Promise<Record<string, unknown>> {
  return (await (await fetch(`${server.url}/openapi.json`)).json()) as Record<string, unknown>;
}

type ErrorSchema = {
  properties: {
    error: {
      properties: { data: { properties: Record<"reason", { enum: string[] }> & { httpStatus: { enum: number[] } } } };
    };
  };
};

/** A client as it is generated, with a service for each tag. */
type Generated = {
  OpenAPI: { BASE: string; USERNAME?: string; PASSWORD?: string };
  TokensService: Record<
    "getToken" | "verifyToken",
    (body: object) => Promise<{ result: { data: Record<string, string> } }>
  >;
  KeysService: { keysList: (body: object) => Promise<{ result: { data: object[] } }> };
};

describe("a client that is generated from the API description", () => {
  it("gets a token about a subject, verifies it, and reads the reason of an error", async () => {
    using folder = temporaryFolder();
    const { OpenAPI, TokensService, KeysService } = await generateClient(folder.path);
    OpenAPI.BASE = `${server.url}/trpc`;
    await expect(TokensService.getToken({ subject: "ada" })).rejects.toMatchObject({
      status: 401,
      body: { error: { data: { reason: "invalid_client" } } },
    });
    Object.assign(OpenAPI, { USERNAME: admin.clientId, PASSWORD: admin.clientSecret });
    const { token = "" } = (await TokensService.getToken({ subject: "ada", claims: { role: "reader" } })).result.data;
    expect((await TokensService.verifyToken({ token })).result.data).toMatchObject({ sub: "ada", role: "reader" });
    await expect(TokensService.verifyToken({ token: `${token}x` })).rejects.toMatchObject({
      status: 401,
      body: { error: { data: { reason: "invalid_token" } } },
    });
    expect((await KeysService.keysList({})).result.data).not.toEqual([]);
  });

  async function generateClient(folder: string): Promise<Generated> {
    await generate({ input: await servedApi(), output: join(folder, "client"), httpClient: "fetch" });
    const bundle = await build({
      entryPoints: [join(folder, "client", "index.ts")],
      bundle: true,
      format: "esm",
      write: false,
    });
    await writeFile(join(folder, "client.mjs"), bundle.outputFiles[0]?.text ?? "");
    return await import(/* @vite-ignore */ join(folder, "client.mjs"));
  }
});

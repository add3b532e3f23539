import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { basic, type Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { encodeForm, FORM, type Parameters } from "../support/oauth.ts";
import { readApi } from "../support/openapi.ts";
import { addWebClient, authorizationRequest, codeFor, openBrowser, REDIRECT_URI, VERIFIER } from "../support/people.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

type Content = Record<string, { schema: { properties?: Record<string, { enum?: string[] }>; required?: string[] } }>;
type Operation = {
  security?: object[];
  parameters?: { name: string; required: boolean }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content; headers?: Record<string, object> }>;
};
type Path = { servers: { url: string }[]; get?: Operation; post?: Operation };
type Api = { paths: Record<string, Path> };

const signIn = () => ({ subject: "ada" });
const documentAt = async (url: string) => JSON.parse((await send(url)).text);

/** The described paths that are no procedures. */
async function describedAt(url: string): Promise<Record<string, Path>> {
  const { paths } = await readApi<Api>(url);
  return Object.fromEntries(Object.entries(paths).filter(([path]) => /^\/(oauth|\.well-known)\//.test(path)));
}

describe("the description of the OAuth endpoints", () => {
  it.each([
    ["people sign in", {}, { signIn }],
    ["programs alone are served", {}, {}],
    ["tokens have a shared secret", { secret: "correct horse battery staple, twice over" }, {}],
  ])("is valid, and has what the metadata names, where %s", async (_, options, edge) => {
    await using server = await openServer({ open: false, ...options }, edge);
    const api = await documentAt(`${server.url}/openapi.json`);
    expect(await new Validator().validate(structuredClone(api))).toMatchObject({ valid: true });
    const described = await describedAt(server.url);

    const isOpenid = "signIn" in edge;
    const documents = ["oauth-authorization-server", ...(isOpenid ? ["openid-configuration"] : [])];
    const metadata = await documentAt(`${server.url}/.well-known/${documents.at(-1)}`);
    const urls = Object.entries(metadata).filter(([member]) => /_endpoint$|^jwks_uri$/.test(member));
    const named = urls.map(([, url]) => String(url).slice(server.service.issuer.length));
    expect(Object.keys(described).toSorted()).toEqual(
      [...named, ...documents.map((name) => `/.well-known/${name}`)].toSorted(),
    );
    for (const { servers } of Object.values(described)) expect(servers).toEqual([{ url: "." }]);
    const { schema } = described["/oauth/token"]?.post?.requestBody?.content[FORM] ?? {};
    expect(schema?.properties?.grant_type?.enum).toEqual(metadata.grant_types_supported);
  });

  it("locks nothing where access is open", async () => {
    await using server = await openServer();
    expect(JSON.stringify(await describedAt(server.url))).not.toContain('"security"');
  });

  it("describes the requests and the answers", async () => {
    await using server = await openServer({ open: false }, { signIn });
    const { service, url } = server;
    const described = await describedAt(url);
    const as = await addClient(service, { permissions: ["issue", "introspect"], anySubject: true, scopes: ["*"] });
    const web = await addWebClient(service, { firstParty: true, grants: ["authorization_code", "device_code"] });
    const request = authorizationRequest(web.clientId, { scope: "openid" });
    const code = await codeFor(openBrowser(service), request);
    const ofWeb = { authorization: basic(web as Credentials) };
    const ajv = new Ajv2020.default({ strict: false });

    /** Sends a request, and expects it and its answer to be as is described. */
    async function expectDescribed(
      path: string,
      { form, headers = {}, status }: Sent,
    ): Promise<Record<string, string>> {
      const [bare = ""] = path.split("?");
      const { get, post } = described[bare] ?? {};
      const operation = (form === undefined ? get : post) ?? expect.fail(`${path} is not described`);
      const { schema } = operation.requestBody?.content[FORM] ?? {};
      expect(Object.keys(schema?.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(form ?? {})));
      const sent = form && { method: "POST", body: encodeForm(form) };
      const answer = await send(url + path, {
        ...sent,
        headers: { ...(form && { "content-type": FORM }), ...headers },
      });
      expect([path, answer.status, answer.text]).toEqual([path, status, answer.text]);
      const { content, headers: listed = {} } = operation.responses[status] ?? expect.fail(`no ${status} of ${path}`);
      expect(Object.keys(answer.headers)).toEqual(
        expect.arrayContaining(Object.keys(listed).map((name) => name.toLowerCase())),
      );
      const json = content?.["application/json"];
      if (json === undefined) return {};
      const validate = ajv.compile(json.schema);
      expect([path, validate(JSON.parse(answer.text)), validate.errors]).toEqual([path, true, null]);
      return JSON.parse(answer.text);
    }

    const withBasic = { authorization: basic(as) };
    const query = new URLSearchParams([...request.parameters]);
    const redeemed = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
    const { access_token = "" } = await expectDescribed("/oauth/token", {
      form: redeemed,
      headers: ofWeb,
      status: 200,
    });
    const bearer = { authorization: `Bearer ${access_token}` };
    const device = "urn:ietf:params:oauth:grant-type:device_code";
    const { device_code } = await expectDescribed("/oauth/device", { form: {}, headers: ofWeb, status: 200 });
    const requests: [path: string, sent: Sent][] = [
      ["/.well-known/oauth-authorization-server", { status: 200 }],
      ["/.well-known/openid-configuration", { status: 200 }],
      ["/.well-known/jwks.json", { status: 200 }],
      ["/oauth/token", { form: { grant_type: "client_credentials" }, headers: withBasic, status: 200 }],
      ["/oauth/token", { form: { ...redeemed, code: "unknown" }, headers: ofWeb, status: 400 }],
      ["/oauth/token", { form: { grant_type: device, device_code }, headers: ofWeb, status: 400 }],
      ["/oauth/token", { form: { grant_type: "client_credentials" }, headers: ofWeb, status: 400 }],
      ["/oauth/token", { form: { grant_type: "client_credentials" }, status: 401 }],
      ["/oauth/token", { form: {}, headers: { ...withBasic, origin: "https://x.example" }, status: 403 }],
      ["/oauth/introspect", { form: { token: access_token }, headers: withBasic, status: 200 }],
      ["/oauth/introspect", { form: {}, headers: withBasic, status: 400 }],
      ["/oauth/userinfo", { headers: bearer, status: 200 }],
      ["/oauth/revoke", { form: { token: access_token }, headers: ofWeb, status: 200 }],
      ["/oauth/userinfo", { headers: bearer, status: 401 }],
      ["/oauth/device", { form: { scope: "unknown" }, headers: ofWeb, status: 200 }],
      [`/oauth/authorize?${query}`, { status: 303 }],
      ["/oauth/authorize", { status: 400 }],
      ["/oauth/logout", { status: 200 }],
    ];
    for (const [path, sent] of requests) await expectDescribed(path, sent);
    const { parameters = [] } = described["/oauth/authorize"]?.get ?? {};
    const names = parameters.map(({ name }) => name);
    expect([...request.parameters.keys()].filter((name) => !names.includes(name))).toEqual([]);
    expect(described["/oauth/userinfo"]?.get?.security).toEqual([{ token: [] }]);
  });
});

type Sent = { form?: Parameters; headers?: Record<string, string>; status: number };

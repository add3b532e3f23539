import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { encodeForm, FORM } from "../support/oauth.ts";
import { dial, raw } from "../support/raw.ts";
import { type Answer, type RawRequest, send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const ENDPOINTS = ["token", "introspect", "revoke"] as const;

/** A request that each endpoint answers with 200, before it is changed. */
const SOUND = encodeForm({ grant_type: "client_credentials", token: "x" });

type Refusal = [status: number, error: string, reason: string];

const INVALID: Refusal = [400, "invalid_request", "invalid_request"];
const UNAUTHENTICATED: Refusal = [401, "invalid_client", "invalid_client"];

const refusalOf = ({ status, text }: Answer) => {
  const { error, error_reason } = JSON.parse(text);
  return [status, error, error_reason];
};

describe.each(["node", "fetch"] as const)("an endpoint behind %s", (edge) => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let authorization: string;
  beforeAll(async () => {
    server = await openServer({ open: false }, { edge });
    authorization = basic(await addClient(server.service, { permissions: ["issue", "introspect"] }));
  });
  afterAll(() => server[Symbol.asyncDispose]());
  // Past the limit of failed authentications.
  afterEach(() => {
    server.clock.now += 3600;
  });

  const post = (path: string, { headers, ...request }: RawRequest = {}) =>
    send(`${server.url}${path}`, {
      method: "POST",
      body: SOUND,
      ...request,
      headers: { "content-type": FORM, authorization, ...headers },
    });
  const refusals = async (request: RawRequest, query = "") => {
    const answers = await Promise.all(ENDPOINTS.map((name) => post(`/oauth/${name}${query}`, request)));
    for (const { headers } of answers)
      expect(headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    return answers.map(refusalOf);
  };
  const everywhere = (refusal: Refusal) => ENDPOINTS.map(() => refusal);

  it("answers a sound request", async () => {
    for (const name of ENDPOINTS) expect([name, (await post(`/oauth/${name}`)).status]).toEqual([name, 200]);
  });

  it.each([
    "",
    "text/plain",
    "application/json",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded; charset=iso-8859-1",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded, text/plain",
    "application/x-www-form-urlencodedx",
    "x/x; application/x-www-form-urlencoded",
    ";",
    "é",
  ])("P24: refuses the Content-Type %j", async (type) => {
    expect(await refusals({ headers: { "content-type": type } })).toEqual(everywhere(INVALID));
  });

  it.each([
    "application/x-www-form-urlencoded;charset=UTF-8",
    'application/x-www-form-urlencoded; charset="utf-8"',
    "APPLICATION/X-WWW-FORM-URLENCODED",
  ])("reads a form by the Content-Type %j", async (type) => {
    for (const name of ENDPOINTS)
      expect(await post(`/oauth/${name}`, { headers: { "content-type": type } })).toMatchObject({ status: 200 });
  });

  it.each([
    ["of a form and of text", [FORM, "text/plain"]],
    ["of text and of a form", ["text/plain", FORM]],
    ["of a form twice", [FORM, FORM]],
    ["in two charsets", [`${FORM}; charset=utf-8`, `${FORM}; charset=utf-7`]],
  ])("P24: refuses two Content-Types, %s", async (_name, types) => {
    expect(await refusals({ headers: { "content-type": types } })).toEqual(everywhere(INVALID));
  });

  it.each<[name: string, body: string | Uint8Array]>([
    ["no body", ""],
    ["bytes that are no UTF-8", Buffer.from([0x74, 0x6f, 0x6b, 0x65, 0x6e, 0x3d, 0xff])],
    ["an encoded byte that is no UTF-8", `${SOUND}&x=%FF`],
    ["an overlong encoding", `${SOUND}&x=%C0%80`],
    ["an encoded surrogate", `${SOUND}&x=%ED%A0%80`],
    ["a percent sign alone", `${SOUND}&x=%`],
    ["a malformed escape", `${SOUND}&%zz=x`],
    ["JSON", '{"grant_type":"client_credentials","token":"x"}'],
    ["too many parameters", encodeForm(Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`p${at}`, "x"])))],
    ["parameters without values", "grant_type=&token="],
    ["names in another case", "Grant_Type=client_credentials&TOKEN=x"],
    ["a byte order mark", `\ufeff${SOUND.replace("grant_type=client_credentials&", "")}`],
  ])("P24: refuses a body of %s", async (_name, body) => {
    expect(await refusals({ body })).toEqual(everywhere(INVALID));
  });

  it.each(["gzip", "br", "deflate", "identity, gzip", "x"])(
    "P24: refuses a body in the encoding %s",
    async (encoding) => {
      expect(await refusals({ headers: { "content-encoding": encoding } })).toEqual(everywhere(INVALID));
    },
  );

  it.each([
    "?client_id=a&client_secret=b",
    "?client_secret=b",
    "?access_token=x",
    "?grant_type=client_credentials",
    "?token=x",
    "?x",
    "?%",
  ])("P24: refuses the query %s", async (query) => {
    expect(await refusals({}, query)).toEqual(everywhere(INVALID));
  });

  it.each([
    "Basic",
    "Basic ",
    "Basic !",
    "Basic bm9ib2R5",
    `Basic ${btoa("nobody:")}`,
    `Basic ${btoa(":secret")}`,
    `Basic ${btoa("nobody:secret")}`,
    `Basic ${btoa("\xff\xfe:\xff")}`,
    `Basic ${btoa("%FF:%FF")}`,
    `Basic ${btoa("a\0b:c")}`,
    "Bearer x",
    "Negotiate x",
    "x",
    "é",
  ])("P24: refuses the Authorization %j, with a challenge", async (value) => {
    const answers = await Promise.all(
      ENDPOINTS.map((name) => post(`/oauth/${name}`, { headers: { authorization: value } })),
    );
    expect(answers.map(refusalOf)).toEqual(everywhere(UNAUTHENTICATED));
    for (const { headers } of answers) expect(headers["www-authenticate"]).toMatch(/^Basic realm="mintmark"/);
  });

  it("refuses requests without credentials, without a challenge", async () => {
    for (const name of ENDPOINTS) {
      const answer = await send(`${server.url}/oauth/${name}`, {
        method: "POST",
        headers: { "content-type": FORM },
        body: SOUND,
      });
      expect(refusalOf(answer)).toEqual(UNAUTHENTICATED);
      expect(answer.headers).not.toHaveProperty("www-authenticate");
    }
  });

  it("P24: refuses two Authorization headers", async () => {
    const answers = await refusals({ headers: { authorization: [authorization, authorization] } });
    expect(answers).toEqual(everywhere(UNAUTHENTICATED));
  });

  it.each([
    "grant_type=client_credentials",
    "grant_type=refresh_token",
    "grant_type=",
    "token=x",
    "token=",
    "scope=a&scope=a",
    "client_id=a&client_id=b",
    "client_secret=&client_secret=",
    "token_type_hint=access_token&token_type_hint=refresh_token",
    "%67rant_type=client_credentials",
    "unknown=1&unknown=1",
  ])("P5: refuses the repeated parameter of %s", async (repeated) => {
    expect(await refusals({ body: `${SOUND}&${repeated}` })).toEqual(everywhere(INVALID));
  });

  it("answers a body above 64 KiB by 413, whether its length is known or not", async () => {
    const body = `${SOUND}&x=${"x".repeat(64 * 1024)}`;
    for (const chunked of [false, true])
      expect(await refusals({ body, chunked })).toEqual(everywhere([413, "invalid_request", "payload_too_large"]));
  });

  it.each([
    ["before the body", ""],
    ["within the body", "grant_type="],
    ["within the body, as a page", "grant_type=", "origin: https://app.example"],
    ["after the body", SOUND],
  ])("P24: serves on when a client disconnects %s", async (_name, sent, ...more) => {
    for (const name of ENDPOINTS) {
      const fields = ["host: 127.0.0.1", `content-type: ${FORM}`, `authorization: ${authorization}`, ...more];
      const head = [`POST /oauth/${name} HTTP/1.1`, ...fields, `content-length: ${SOUND.length}`];
      const socket = await dial(server.url);
      socket.write([...head, "", sent].join("\r\n"), () => socket.destroy());
      await once(socket, "close");
    }
    expect(await post("/oauth/token")).toMatchObject({ status: 200 });
  });

  it.each(["GET", "HEAD", "PUT", "DELETE", "PATCH"])("answers %s by 405 with Allow", async (method) => {
    for (const name of ENDPOINTS) {
      const { status, headers } = await send(`${server.url}/oauth/${name}`, { method, headers: { authorization } });
      expect([status, headers.allow]).toEqual([405, "POST, OPTIONS"]);
    }
  });

  it.each([
    "//oauth/token",
    "/oauth//token",
    "/oauth/token/",
    ...(edge === "node" ? ["/oauth/./token", "/oauth/x/../token"] : []),
    "/oauth/%74oken",
    "/oauth%2Ftoken",
    "/OAuth/token",
    "/oauth/token;x",
    "/oauth/",
    "/oauth",
    "/token",
  ])("P40: has no token endpoint at %s", async (path) => {
    // Verbatim: a URL would be normalised. A platform's `Request` resolves dots itself.
    const head = [
      `POST ${path} HTTP/1.1`,
      "host: 127.0.0.1",
      `content-type: ${FORM}`,
      `authorization: ${authorization}`,
    ];
    const text = await raw(server.url, [...head, "content-length: 0", "connection: close", "", ""].join("\r\n"));
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
  });
});

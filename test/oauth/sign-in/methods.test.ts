import { describe, expect, it } from "vitest";
import { StartError } from "../../../src/errors.ts";
import { createFetchHandler, createRequestHandler } from "../../../src/index.ts";
import { captureLog } from "../../support/log.ts";
import { postForm } from "../../support/oauth.ts";
import { addWebClient, authorizationRequest } from "../../support/people.ts";
import { send } from "../../support/request.ts";
import { type OpenOptions, openServer, openService } from "../../support/service.ts";

const SECRET = "correct horse battery staple, twice over";
const METADATA = "/.well-known/oauth-authorization-server";
const OPENID = "/.well-known/openid-configuration";
const signIn = () => ({ subject: "ada" });

describe("how people sign in", () => {
  it.each<[name: string, options: OpenOptions]>([
    ["access is not open, and there is no hook", { open: false, issuer: "https://id.example" }],
    ["access is open, and the issuer is neither https nor loopback", { issuer: "http://tokens.internal" }],
  ])(
    "nobody does where %s: a page says so, the log says so once, and the metadata says nothing",
    async (_name, options) => {
      const { lines, logger } = captureLog();
      await using server = await openServer(options, { logger });
      const isCookieless = options.issuer?.startsWith("http://");
      const { clientId } = await addWebClient(server.service);
      const path = `/oauth/authorize?${new URLSearchParams([...authorizationRequest(clientId).parameters])}`;
      for (const at of [path, path, "/oauth/continue?handle=x"]) {
        const answer = await send(server.url + at);
        expect([at, answer.status, answer.headers.location]).toEqual([at, 404, undefined]);
        if (!isCookieless) expect(answer.text).toContain("MINTMARK_SIGN_IN_URL");
      }
      const warnings = lines.filter((line) => line.includes("MINTMARK_SIGN_IN_ISSUER"));
      expect(warnings).toHaveLength(isCookieless ? 0 : 1);
      const metadata = JSON.parse((await send(server.url + METADATA)).text);
      expect(metadata).toMatchObject({ response_types_supported: [] });
      expect(metadata).not.toHaveProperty("authorization_endpoint");
      for (const at of [OPENID, "/oauth/userinfo"]) expect(await send(server.url + at)).toMatchObject({ status: 404 });
    },
  );

  it("nobody does with a shared secret", async () => {
    await using server = await openServer({ secret: SECRET });
    for (const path of ["/oauth/authorize", "/oauth/continue", "/oauth/userinfo", OPENID])
      expect([path, (await send(server.url + path)).status]).toEqual([path, 404]);
    const metadata = JSON.parse((await send(server.url + METADATA)).text);
    expect(metadata.grant_types_supported).toEqual(["client_credentials", "refresh_token"]);
    const parameters = { grant_type: "authorization_code", code: "x", redirect_uri: "x", code_verifier: "x" };
    const answer = await postForm(server.url, "token", { parameters });
    expect([answer.status, answer.json.error]).toEqual([400, "unsupported_grant_type"]);
  });

  it.each<[message: string, options: OpenOptions]>([
    ["signIn needs key pairs: others cannot verify tokens of a shared secret", { secret: SECRET }],
    [
      "signIn needs an issuer that is https, or loopback: others can read cookies",
      { issuer: "http://tokens.internal", open: false },
    ],
  ])("the start is refused: %s", async (message, options) => {
    await using opened = await openService(options);
    for (const make of [createRequestHandler, createFetchHandler])
      expect(() => make(opened.service, { signIn })).toThrow(new StartError(message));
  });

  it.each(["", {}, { signIn: 1 }, 7])("the option %o is refused", async (wrong) => {
    await using opened = await openService({ open: false });
    expect(() => createRequestHandler(opened.service, { signIn: wrong as never })).toThrow(
      new StartError("createRequestHandler: signIn must be a function"),
    );
  });
});

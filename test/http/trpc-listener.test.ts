import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, send } from "../support/request.ts";
import { NOW, openServer } from "../support/service.ts";

const JSON_BODY = { "content-type": "application/json" };

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Every refusal in this file is followed by a good call: nothing may bring the server down. */
async function expectsStillToServe() {
  const { data } = await call(server.url, "getToken", {});
  expect(data).toMatchObject({ token: expect.stringMatching(/^eyJ/) });
}

describe("the tRPC listener", () => {
  it("answers the tutorial's three requests", async () => {
    const issued = JSON.parse((await send(`${server.url}/trpc/getToken`)).text);
    const { token } = issued.result.data;
    expect(issued).toEqual({ result: { data: { token, tokenType: "Bearer", expiresIn: 900, scope: "" } } });
    expect(await call(server.url, "verifyToken", { token })).toMatchObject({
      status: 200,
      data: { iss: expect.any(String), sub: "local" },
    });
    const other = token.at(-20) === "x" ? "y" : "x";
    const altered = await call(server.url, "verifyToken", { token: token.slice(0, -20) + other + token.slice(-19) });
    expect(altered).toMatchObject({ status: 401, error: { message: "Could not validate credentials" } });
  });

  it.each([
    ["an unknown field", { foo: 1 }, "has no field foo"],
    ["a wrong type", { subject: 5 }, "subject"],
    ["a reserved claim", { claims: { sub: "eve" } }, 'claims may not set the registered claim "sub"'],
    ["a claim of introspection's", { claims: { active: true } }, "active"],
    ["a lifetime of 0", { expiresIn: 0 }, "expiresIn"],
    ["a negative lifetime", { expiresIn: -5 }, "expiresIn"],
    ["a fractional lifetime", { expiresIn: 1.5 }, "expiresIn"],
    ["a lifetime above the maximum", { expiresIn: 86401 }, "expiresIn"],
    ["a lifetime in words", { expiresIn: "1h" }, "expiresIn"],
    ["an infinite lifetime", '{"expiresIn":1e999}', "expiresIn"],
    ["a member called __proto__", '{"__proto__":{"subject":"eve"}}', "has no field __proto__"],
    ["a claim called __proto__", '{"claims":{"__proto__":{"admin":true}}}', "claims"],
    ["a lone surrogate in a subject", '{"subject":"\\ud800"}', "subject"],
    ["a lone surrogate in a claim", '{"claims":{"name":"\\udfff"}}', "claims has a lone surrogate"],
    ["a lone surrogate in a claim's name", '{"claims":{"\\ud800":1}}', "claims has a lone surrogate"],
    ["a claim nested too deep", { claims: { deep: JSON.parse("[".repeat(17) + "]".repeat(17)) } }, "claims is nested"],
    ["claims that make the token too long", { claims: { text: "x".repeat(9000) } }, "claims make the token longer"],
    ["a scope with two spaces", { scope: "a  b" }, "scope"],
    ["an empty subject", { subject: "" }, "subject"],
    ["a control character in an audience", { audience: "a\u0000b" }, "audience"],
    ["a list instead of an object", [], "expected object"],
    ["null", null, "expected object"],
  ])("rejects %s with 400 and an explanation", async (_name, input, words) => {
    const { status, error } = await call(server.url, "getToken", input);
    expect({ status, reason: error.data.reason }).toEqual({ status: 400, reason: "invalid_request" });
    expect(error.message).toContain(words);
    await expectsStillToServe();
  });

  it.each(["{", '{"token":', "nul", "\u0000", '"\\ud8'])("refuses malformed JSON %j with 400", async (body) => {
    const { status, error } = await call(server.url, "verifyToken", body);
    expect({ status, reason: error.data.reason }).toEqual({ status: 400, reason: "malformed_request" });
    expect(error.message).toBe("The request is not well-formed");
    await expectsStillToServe();
  });

  it.each(["input=%7B", "input=%", "input=%ff", "batch=1&input=[]x"])(
    "refuses the query %s with 400",
    async (query) => {
      expect(await send(`${server.url}/trpc/getToken?${query}`)).toMatchObject({ status: 400 });
      await expectsStillToServe();
    },
  );

  it.each([false, true])("refuses a body of 70 KiB with 413 (chunked: %s)", async (chunked) => {
    const body = JSON.stringify({ token: "x".repeat(70 * 1024) });
    const { status, text } = await send(`${server.url}/trpc/verifyToken`, {
      method: "POST",
      headers: JSON_BODY,
      body,
      chunked,
    });
    expect(status).toBe(413);
    expect(JSON.parse(text).error.data.reason).toBe("payload_too_large");
    await expectsStillToServe();
  });

  it("serves 50 calls in a batch and rejects 51 with 400, for either separator", async () => {
    const names = (count: number, separator: string) => Array(count).fill("getToken").join(separator);
    const good = await send(`${server.url}/trpc/${names(50, ",")}?batch=1`);
    expect(JSON.parse(good.text)).toHaveLength(50);
    for (const separator of [",", "%2C", "%2c"]) {
      const { status, text } = await send(`${server.url}/trpc/${names(51, separator)}?batch=1`);
      expect({ status, reason: JSON.parse(text).error.data.reason }).toEqual({
        status: 400,
        reason: "batch_too_large",
      });
    }
  });

  it.each([
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
  ])("refuses a body of type %j with 415", async (type) => {
    const { status, text } = await send(`${server.url}/trpc/verifyToken`, {
      method: "POST",
      headers: { "content-type": type },
      body: "--x--",
    });
    expect({ status, reason: JSON.parse(text).error.data.reason }).toEqual({
      status: 415,
      reason: "unsupported_media_type",
    });
  });

  it("answers an unsupported method of a procedure with 405", async () => {
    expect(await send(`${server.url}/trpc/verifyToken`)).toMatchObject({ status: 405, headers: { allow: "POST" } });
    for (const method of ["PUT", "DELETE", "PATCH", "HEAD"]) {
      const { status, headers, text } = await send(`${server.url}/trpc/getToken`, { method });
      expect({ method, status, allow: headers.allow }).toEqual({ method, status: 405, allow: "GET, POST, OPTIONS" });
      if (method === "HEAD") expect(text).toBe("");
    }
    expect(await send(`${server.url}/trpc/getToken`, { method: "OPTIONS" })).toMatchObject({
      status: 204,
      headers: { allow: "GET, POST, OPTIONS" },
    });
  });

  it.each(["nothing", "__proto__", "constructor", "toString", "getToken/x", ""])(
    "answers an unknown procedure %j with 404, without repeating its name",
    async (name) => {
      const { status, text } = await send(`${server.url}/trpc/${name}`);
      expect({ status, error: JSON.parse(text).error.message }).toEqual({ status: 404, error: "No such procedure" });
      expect(JSON.parse(text).error.data).not.toHaveProperty("path");
    },
  );

  it("serves no procedure under any other prefix", async () => {
    for (const path of ["/ABCD/getToken", "/trpcx/getToken", "/getToken", "//trpc/getToken", "/TRPC/getToken"]) {
      expect(await send(`${server.url}${path}`), path).toMatchObject({ status: 404 });
    }
  });

  it("sends Cache-Control: no-store with every answer", async () => {
    const requests = [
      send(`${server.url}/trpc/getToken`),
      send(`${server.url}/trpc/nothing`),
      send(`${server.url}/trpc/verifyToken`),
      send(`${server.url}/trpc/%`),
      send(`${server.url}/trpc/verifyToken`, { method: "POST", headers: JSON_BODY, body: "{" }),
      send(`${server.url}/trpc/getToken`, { method: "POST" }),
    ];
    for (const { headers } of await Promise.all(requests)) expect(headers["cache-control"]).toBe("no-store");
  });

  it("contains no detail of an unexpected error in any answer", async () => {
    let armed = false;
    const clock = () => {
      if (armed) throw new Error("canary");
      return NOW;
    };
    await using broken = await openServer({ clock });
    armed = true;
    const { status, text } = await send(`${broken.url}/trpc/getToken`);
    expect({ status, error: JSON.parse(text).error }).toEqual({
      status: 500,
      error: {
        code: -32603,
        message: "Internal server error",
        data: { code: "INTERNAL_SERVER_ERROR", httpStatus: 500, reason: "internal_error", path: "getToken" },
      },
    });
  });
});

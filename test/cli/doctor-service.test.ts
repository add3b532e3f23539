import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assessIssuer, assessServer } from "../../src/cli/doctor/assess-server.ts";
import { assessProxy } from "../../src/cli/doctor/assess-setup.ts";
import { findingOf, SECRET, startOther, startService, withData } from "../support/doctor.ts";
import { send } from "../support/request.ts";
import { temporaryFolder } from "../support/service.ts";

describe("server", () => {
  it("fails where none answers on the data", async () => {
    using stopped = await withData();
    expect(await findingOf("server", stopped.environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/cannot be reached \(ECONNREFUSED\): the connection was refused$/),
    });
  });

  it("warns where one runs on other data than there is here", async () => {
    await using running = await startService();
    using folder = temporaryFolder();
    const environment = { ...running.environment, MINTMARK_DATA: join(folder.path, "none") };
    expect(await findingOf("server", environment)).toMatchObject({ state: "warn" });
  });

  it("fails while it drains", async () => {
    await using running = await startService();
    running.service.drain();
    expect(await findingOf("server", running.environment)).toMatchObject({
      state: "fail",
      message: `The server at ${running.url} is not ready: it is about to stop`,
    });
  });

  it.each([
    ["store", "unavailable"],
    ["store", "not_writable"],
    ["store", "replaced"],
    ["store", "damaged"],
    ["keys", "unavailable"],
    ["rotation", "failing"],
    ["trust", "stale"],
    ["clock", "behind"],
    ["server", "draining"],
    ["other", "odd"],
  ])("fails and says what to do where %s is %s", (check, state) => {
    const body = JSON.stringify({ status: "not ready", checks: { server: "ok", [check]: state } });
    const finding = assessServer("http://s", { status: 503, body, date: undefined }, true);
    expect(finding).toMatchObject({ state: "fail", remedy: expect.stringMatching(/.../) });
    expect(finding.message.includes(`: ${check} is ${state}`)).toBe(check === "other");
  });

  it("warns of background work that fails", () => {
    const body = JSON.stringify({ status: "ready", checks: { store: "ok" }, failing: ["prune_audit"] });
    const finding = assessServer("http://s", { status: 200, body, date: undefined }, true);
    expect(finding).toMatchObject({ state: "warn", message: expect.stringContaining("prune_audit") });
  });

  it.each([
    [503, "Starting", /is starting/],
    [200, "<html>", /is not Mintmark \(status 200\)$/],
    [302, "", /is not Mintmark \(status 302\)$/],
  ])("fails where something answers %i %j", async (status, body, message) => {
    using other = await startOther((_, response) => response.writeHead(status, { location: "/login" }).end(body));
    using stopped = await withData();
    const finding = await findingOf("server", { ...stopped.environment, PORT: other.port });
    expect(finding).toMatchObject({ state: "fail", message: expect.stringMatching(message) });
  });

  it("that another program claims to be, by a body without an end, fails within the limit", async () => {
    using other = await startOther((_, response) => void response.write("{".repeat(100_000)));
    expect(await findingOf("server", {}, { url: other.url, limitMs: 1000 })).toMatchObject({ state: "fail" });
  });
});

describe("issuer", () => {
  it("fails where another service answers there", async () => {
    await using other = await startService();
    using stopped = await withData({ issuer: other.url });
    const environment = { ...stopped.environment, MINTMARK_ISSUER: other.url };
    expect(await findingOf("issuer", environment)).toMatchObject({
      state: "fail",
      message: `Another service answers at the issuer ${other.url}: its keys are others`,
    });
    using secret = await withData({ issuer: other.url, secret: SECRET });
    const shared = { ...secret.environment, MINTMARK_ISSUER: other.url, MINTMARK_SECRET: SECRET };
    expect(await findingOf("issuer", shared)).toMatchObject({ state: "fail" });
  });

  it("is ok with a shared secret, whose set is empty", async () => {
    await using running = await startService({ secret: SECRET });
    expect(await findingOf("issuer", { ...running.environment, MINTMARK_SECRET: SECRET })).toMatchObject({
      state: "ok",
    });
  });

  it("fails where it redirects, and is not followed", async () => {
    await using running = await startService();
    using other = await startOther(({ url }, response) =>
      response.writeHead(308, { location: `${running.url}${url}` }).end(),
    );
    using stopped = await withData({ issuer: other.url });
    expect(await findingOf("issuer", stopped.environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/redirect \(308\)/),
    });
  });

  it.each([
    [["b"], "a", "fail"],
    [["a"], "a", "warn"],
    [["a", "b", "c"], "a", "warn"],
    [["a", "b"], "a", "ok"],
  ])("that serves %j of a and b gives, while %s signs, %s", (served, signing, state) => {
    const body = JSON.stringify({ keys: served.map((kid) => ({ kid, kty: "EC" })) });
    const answer = { status: 200, body, date: undefined };
    expect(assessIssuer({ issuer: "http://i", answer, kids: ["a", "b"], signing })).toMatchObject({ state });
  });

  it.each([
    [404, ""],
    [200, "<html>"],
    [200, '{"keys":{}}'],
  ])("fails where it answers %i %j", (status, body) => {
    const answer = { status, body, date: undefined };
    expect(assessIssuer({ issuer: "http://i", answer, kids: ["a"], signing: "a" })).toMatchObject({ state: "fail" });
  });
});

describe("proxy", () => {
  const setup = (issuer: string, trustProxy: string[] = [], host = "127.0.0.1") =>
    assessProxy({ issuer, config: { host, port: 3000, trustProxy }, refused: undefined }).state;

  it("warns where the issuer points to one and none is trusted", () => {
    expect(setup("https://tokens.example")).toBe("warn");
    expect(setup("http://tokens.internal")).toBe("warn");
    expect(setup("http://tokens.internal", [], "10.0.0.5")).toBe("warn");
    expect(setup("https://tokens.example", ["loopback"])).toBe("ok");
    expect(setup("http://127.0.0.1:3000")).toBe("ok");
    expect(setup("http://localhost:8080")).toBe("ok");
    expect(setup("http://tokens.internal:3000", [], "0.0.0.0")).toBe("ok");
  });

  it("is verified by the addresses of refused calls", async () => {
    const issuer = "https://tokens.example";
    await using running = await startService({ issuer, open: false }, ["loopback"]);
    const { service, url, environment } = running;
    const behind = { ...environment, MINTMARK_ISSUER: issuer, MINTMARK_TRUST_PROXY: "loopback" };
    const refuse = async (headers: Record<string, string>) => {
      const authorization = `Basic ${Buffer.from("nobody:wrong").toString("base64")}`;
      await send(`${url}/trpc/getToken`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization, ...headers },
        body: "{}",
      });
      await service.maintenance();
      return findingOf("proxy", behind);
    };
    expect(await findingOf("proxy", behind)).toMatchObject({ message: expect.stringMatching(/not verified/) });
    expect(await refuse({})).toMatchObject({ state: "warn", remedy: expect.stringContaining("X-Forwarded-For") });
    expect(await refuse({ "x-forwarded-for": "203.0.113.9" })).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/^The proxy forwards addresses/),
    });
  });
});

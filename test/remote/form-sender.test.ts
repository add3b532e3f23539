import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isLoopbackAddress } from "../../src/remote/addresses.ts";
import { createFormSender } from "../../src/remote/form-sender.ts";
import { certificateFor, serveByTls, serveBytes, serveDocuments } from "../support/document-server.ts";
import { countConnections } from "../support/outbound.ts";

const FORM = { logout_token: "eyJ.a+b/c=&d é" };
const never = () => new AbortController().signal;

/** Sends to servers on loopback. */
const send = createFormSender({ isAllowed: isLoopbackAddress });

/** Sends to a server that answers every request with a status. */
async function sendTo(status: number, head: Record<string, string> = {}) {
  await using server = await serveDocuments((_request, response) => response.writeHead(status, head).end());
  return await send(`http://127.0.0.1:${server.port}/logout`, FORM, never());
}

describe("createFormSender", () => {
  it("sends a form by POST, on a connection of its own, to the path and query of the URL", async () => {
    const requests: object[] = [];
    await using server = await serveDocuments(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(200).end();
    });
    expect(await send(`http://127.0.0.1:${server.port}/logout?tenant=1`, FORM, never())).toEqual({ outcome: "sent" });
    const body = "logout_token=eyJ.a%2Bb%2Fc%3D%26d+%C3%A9";
    expect(requests).toEqual([
      {
        method: "POST",
        url: "/logout?tenant=1",
        headers: {
          accept: "application/json",
          "accept-encoding": "identity",
          "user-agent": "mintmark",
          "content-type": "application/x-www-form-urlencoded",
          "content-length": String(body.length),
          host: `127.0.0.1:${server.port}`,
          connection: "close",
        },
        body,
      },
    ]);
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual(FORM);
  });

  it.each([200, 204])("takes the status %d as an acknowledgement", async (status) => {
    expect(await sendTo(status)).toEqual({ outcome: "sent" });
  });

  it.each([201, 202, 206, 400, 401, 404, 429, 500, 503])("refuses the status %d", async (status) => {
    expect(await sendTo(status)).toEqual({ outcome: "failed", reason: "status", detail: String(status) });
  });

  it.each([301, 302, 303, 307, 308])("does not follow a redirect by %d", async (status) => {
    await using lure = await countConnections();
    expect(await sendTo(status, { location: lure.url })).toMatchObject({ reason: "redirected" });
    expect(lure.count().arrivals).toBe(0);
  });

  it.each([
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://localhost/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:127.0.0.1]/",
    "http://client.example/",
    "ftp://client.example/",
    "https://user:secret@client.example/",
  ])("connects by default to public addresses alone: not to %s", async (url) => {
    await using lure = await countConnections();
    const sent = await createFormSender({})(url, FORM, never());
    expect(["not_allowed_address", "not_allowed_url"]).toContain(sent.outcome === "failed" && sent.reason);
    expect(lure.count()).toEqual({ attempts: 0, arrivals: 0 });
  });

  it("refuses a name with one private address", async () => {
    const resolve = async () => ["93.184.215.14", "10.0.0.1"];
    const sent = await createFormSender({ resolve })("https://client.example/", FORM, never());
    expect(sent).toMatchObject({ reason: "not_allowed_address" });
  });

  it("resolves a name once, and connects by TLS under the name of the URL", async () => {
    const { key, cert } = certificateFor("client.example");
    await using server = await serveByTls((_request, response) => response.writeHead(204).end(), { key, cert });
    const resolved: string[] = [];
    const resolve = async (host: string) => [resolved.push(host) === 1 ? "127.0.0.1" : "10.0.0.1"];
    const sendByTls = createFormSender({ isAllowed: isLoopbackAddress, resolve, ca: cert });
    const url = `https://client.example:${server.port}/`;
    expect(await sendByTls(url, FORM, never())).toEqual({ outcome: "sent" });
    expect(await sendByTls(url, FORM, never())).toMatchObject({ reason: "not_allowed_address" });
    expect(server.connections()).toBe(1);
  });

  it("reads no body, and hangs up on one without an end", async () => {
    const closed: Promise<unknown>[] = [];
    await using server = await serveBytes((socket) => {
      closed.push(new Promise((resolve) => socket.once("close", resolve)));
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const write = () => {
        while (!socket.destroyed && socket.write(`5\r\nxxxxx\r\n`));
      };
      socket.on("drain", write);
      write();
    });
    expect(await send(`http://127.0.0.1:${server.port}/`, FORM, never())).toEqual({ outcome: "sent" });
    await Promise.all(closed);
  });

  it("ends a request to a silent server at its signal", async () => {
    await using server = await serveBytes(() => {});
    const ending = new AbortController();
    const sent = send(`http://127.0.0.1:${server.port}/`, FORM, ending.signal);
    await sleep(50);
    ending.abort();
    expect(await sent).toEqual({ outcome: "failed", reason: "timeout", detail: undefined });
  });
});

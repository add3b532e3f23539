import { EventEmitter, once } from "node:events";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { StartError } from "../../src/errors.ts";
import { listen, type Served } from "../../src/http/listen.ts";
import { send } from "../support/request.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };

const hello: Served = { listener: (_request, response) => void response.end("hello"), close: async () => {} };

describe("listen", () => {
  it("answers 503 until what it serves is prepared", async () => {
    let early: unknown;
    const server = await listen({
      ...ADDRESS,
      async prepare(origin) {
        early = await send(origin);
        return hello;
      },
    });
    expect(early).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(await send(server.origin)).toMatchObject({ status: 200, text: "hello" });
    await server.close();
  });

  it("names the remedy where the port is taken", async () => {
    const first = await listen({ ...ADDRESS, prepare: async () => hello });
    const port = Number(new URL(first.origin).port);
    const second = listen({ host: "127.0.0.1", port, prepare: async () => hello });
    await expect(second).rejects.toThrow(StartError);
    await expect(second).rejects.toThrow(/is taken: .*PORT/);
    await first.close();
  });

  it("releases the address where preparing fails, and rethrows the error", async () => {
    let origin = "";
    const failed = listen({
      ...ADDRESS,
      async prepare(at) {
        origin = at;
        throw new StartError("no database");
      },
    });
    await expect(failed).rejects.toThrow("no database");
    await expect(send(origin)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("answers Expect: 100-continue (RFC 9110 §10.1.1)", async () => {
    const server = await listen({ ...ADDRESS, prepare: async () => hello });
    const request =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n";
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    socket.write(request);
    expect(String(await once(socket, "data"))).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    socket.end("x");
    await server.close();
  });

  it("sends no interim response into the answer before a pipelined request", async () => {
    const answerLater: Served["listener"] = ({ url }, response) =>
      void setTimeout(
        () => response.end(url === "/first" ? "first" : Buffer.from("second")),
        url === "/first" ? 20 : 0,
      );
    const server = await listen({
      ...ADDRESS,
      prepare: async () => ({ listener: answerLater, close: async () => {} }),
    });
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    const last = "Expect: 100-continue\r\nConnection: close\r\n";
    socket.write(`GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n${last}\r\n`);
    const bodies = (await text(socket)).split(/HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n/s);
    expect(bodies).toEqual(["", "first", "second"]);
    await server.close();
  });

  it("finishes requests in flight before it closes the service, and does not wait for idle connections", async () => {
    const events: string[] = [];
    const requests = new EventEmitter();
    const arrived = once(requests, "arrived");
    const server = await listen({
      ...ADDRESS,
      prepare: async () => ({
        listener: (_request, response) => {
          if (!requests.emit("arrived", response)) response.end();
        },
        close: async () => void events.push("closed"),
      }),
    });
    const idle = connect(Number(new URL(server.origin).port), "127.0.0.1");
    const inFlight = send(server.origin);
    const [response] = await arrived;
    const closing = server.close();
    await vi.waitFor(() => expect(send(server.origin)).rejects.toThrow(/ECONNREFUSED/));
    response.once("finish", () => events.push("answered"));
    response.end("done");
    await closing;
    expect(events).toEqual(["answered", "closed"]);
    expect(await inFlight).toMatchObject({ status: 200, text: "done" });
    idle.destroy();
  });

  it("answers every connection that waits to be accepted when it closes", async () => {
    const server = await listen({ ...ADDRESS, prepare: async () => hello });
    const sockets = Array.from({ length: 20 }, () => connect(Number(new URL(server.origin).port), "127.0.0.1"));
    const answers = sockets.map((socket) => text(socket));
    for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    // The system connects them while this process, which would accept them, does nothing.
    await new Promise(process.nextTick);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await server.close();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 .*hello$/s);
  });

  it("keeps an idle connection for longer than load balancers do", async () => {
    const server = await listen({ ...ADDRESS, prepare: async () => hello });
    const agent = new Agent({ keepAlive: true });
    const [answer] = await once(get(server.origin, { agent }), "response");
    answer.resume();
    expect(answer.headers["keep-alive"]).toBe("timeout=620");
    agent.destroy();
    await server.close();
  });

  it("keeps it for longer than a request may take, and still stops at once", async () => {
    const bounds = { headersTimeout: 50, requestTimeout: 100, silence: 80, connectionsCheckingInterval: 10 };
    const timeouts = { ...bounds, keepAliveTimeout: 60_000 };
    const server = await listen({ ...ADDRESS, timeouts, prepare: async () => hello });
    const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
    const ended = once(socket, "close");
    const ask = async () => {
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      return String(await once(socket, "data"));
    };
    expect(await ask()).toContain("hello");
    await sleep(300);
    expect(await ask()).toContain("hello");
    const signalledAt = performance.now();
    await server.close();
    await ended;
    expect(performance.now() - signalledAt).toBeLessThan(2_000);
  });

  it.each([
    [
      { host: "name.invalid", port: 0 },
      /^HOST must be an IP address or a name of this machine, .*name\.invalid:0 \(E\w+\)$/,
    ],
    [{ host: "192.0.2.1", port: 0 }, /^HOST must be an address of this machine, and 192\.0\.2\.1:0 is none/],
  ])("names the remedy where HOST is %j", async (address, words) => {
    const listening = listen({ ...address, prepare: async () => hello });
    await expect(listening).rejects.toThrow(StartError);
    await expect(listening).rejects.toThrow(words);
  });

  it("serves while it drains, sends Connection: close, and then disconnects followers", async () => {
    const events: string[] = [];
    const server = await listen({
      ...ADDRESS,
      prepare: async () => ({
        ...hello,
        drain: () => void events.push("draining"),
        endFeeds: () => void events.push("feeds ended"),
        close: async () => void events.push("closed"),
      }),
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async () => {
      const [answer] = await once(get(server.origin, { agent }), "response");
      await text(answer);
      return answer.headers.connection;
    };
    expect(await ask()).toBe("keep-alive");
    const closing = server.close({ drain: 300 });
    expect(await ask()).toBe("close");
    expect(await ask()).toBe("close");
    expect(events).toEqual(["draining"]);
    await closing;
    expect(events).toEqual(["draining", "feeds ended", "closed"]);
    await expect(ask()).rejects.toThrow(/ECONNREFUSED/);
    agent.destroy();
  });
});

import { generateKeyPairSync } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { checkServiceUrl, connectionError } from "../../src/cli/service-url.ts";
import { createTokenClient } from "../../src/client/client.ts";
import { mintmark } from "../support/command.ts";
import { certify } from "../support/der.ts";
import { openServer } from "../support/service.ts";

/** Listens on a free port until the end of the block. */
async function listening(server: Server) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The message of a command about the service at a URL. */
async function saidOf(url: string): Promise<string | undefined> {
  const error = await createTokenClient({ url, credentials: { clientId: "canary", clientSecret: "canary" } })
    .getToken.query({ subject: "canary" })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(error).toBeDefined();
  return connectionError(error, url);
}

function selfSigned(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const base64 = certify(publicKey, privateKey, { name }).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  };
}

const answering =
  (status: number, headers: Record<string, string> = {}, body = "<!doctype html>"): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { "content-type": "text/html", ...headers }).end(body);

describe("where Mintmark does not answer, a command reports", () => {
  it.each<[string, RequestListener, string]>([
    ["that it is another page", answering(200), "answers 200 with text/html, so it is not Mintmark: check the URL"],
    [
      "that it is another API",
      answering(200, { "content-type": "application/json; charset=utf-8" }, "{}"),
      "answers 200 with application/json, so it is not Mintmark: check the URL",
    ],
    ["that the path is wrong", answering(404), "answers 404, so it is not Mintmark: check the path"],
    [
      "that the path is wrong, where the answer is JSON",
      answering(404, { "content-type": "application/json" }, '{"error":"not found"}'),
      "answers 404, so it is not Mintmark: check the path",
    ],
    [
      "that a proxy lets nobody in",
      answering(401, { "www-authenticate": "Basic" }),
      "answers 401, but not from Mintmark",
    ],
    ["that a proxy forbids it", answering(403), "answers 403, but not from Mintmark"],
    ["that its proxy does not reach it", answering(502), "answers 502, but not from Mintmark: check that it runs"],
    ["that it is starting", answering(503, {}, "Starting"), "answers 503: it is starting or stopping"],
    [
      "where it redirects to",
      answering(301, { location: "https://user:canary@tokens.example/auth/trpc/getToken?batch=1&secret=canary" }),
      "answers with a redirect (301) to https://tokens.example/auth: give the correct URL as --url",
    ],
    ["where it redirects to on the same host", answering(308, { location: "/auth/trpc/getToken" }), "/auth: give"],
    ["that it sends elsewhere, and does not say where", answering(302), "answers 302 with text/html"],
    [
      "that it closes the connection",
      (request) => void request.socket.destroy(),
      "cannot be reached (UND_ERR_SOCKET): the connection was closed",
    ],
  ])("%s", async (_name, listener, expected) => {
    await using server = await listening(createServer(listener));
    const said = await saidOf(`http://127.0.0.1:${server.port}/`);
    expect(said).toContain(
      `The service at http://127.0.0.1:${server.port} ${expected.startsWith("/") ? "answers" : ""}`,
    );
    expect(said).toContain(expected);
    expect(said).not.toMatch(/canary|\n/);
  });

  it("that nothing listens there", async () => {
    const { port } = await (async () => {
      await using server = await listening(createServer());
      return server;
    })();
    expect(await saidOf(`http://127.0.0.1:${port}/auth`)).toBe(
      `The service at http://127.0.0.1:${port}/auth cannot be reached (ECONNREFUSED): the connection was refused: check the host and the port, and that the service runs`,
    );
  });

  it("that its host is unknown", async () => {
    expect(await saidOf("https://tokens.invalid")).toMatch(
      /^The service at https:\/\/tokens\.invalid cannot be reached \((ENOTFOUND|EAI_AGAIN)\): /,
    );
  });

  it.each([["localhost", "is not trusted: set NODE_EXTRA_CA_CERTS"]])(
    "that its certificate is not trusted",
    async (name, expected) => {
      await using server = await listening(createSecureServer(selfSigned(name), answering(200)));
      const said = await saidOf(`https://localhost:${server.port}`);
      expect(said).toMatch(/cannot be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\): its TLS certificate/);
      expect(said).toContain(expected);
    },
  );

  it("that it speaks TLS, or does not", async () => {
    await using plain = await listening(createServer(answering(200)));
    expect(await saidOf(`https://127.0.0.1:${plain.port}`)).toMatch(
      /\((EPROTO|ERR_SSL\w+)\): the TLS handshake failed/,
    );
    await using secure = await listening(createSecureServer(selfSigned("localhost"), answering(200)));
    expect(await saidOf(`http://127.0.0.1:${secure.port}`)).toMatch(
      /cannot be reached \(\w+\): the connection was closed|does not speak HTTP/,
    );
  });

  it("that it does not speak HTTP", async () => {
    await using server = await listening(createPlainServer((socket) => void socket.end("SSH-2.0-OpenSSH_9.2\r\n")));
    expect(await saidOf(`http://127.0.0.1:${server.port}`)).toMatch(/\(HPE_\w+\): the server does not speak HTTP/);
  });

  it.each([
    ["ENOTFOUND", "the host name does not exist"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "is for another host"],
    ["CERT_HAS_EXPIRED", "has expired"],
    ["UND_ERR_CONNECT_TIMEOUT", "the connection timed out"],
    ["SOME_NEW_CODE", "check the URL, and that it runs"],
  ])("what to do about %s, however deep that is", (code, expected) => {
    const cause = Object.assign(new Error("canary"), { code });
    const failed = new TypeError("fetch failed", { cause: new AggregateError([cause], "canary") });
    expect(connectionError(failed, "https://tokens.example")).toMatch(
      new RegExp(`^The service .* \\(${code}\\): .*${expected}`),
    );
  });
});

describe("--url", () => {
  it.each([
    "tokens.example",
    "localhost:3000",
    "ftp://tokens.example",
    "file:///etc/passwd",
    "https://",
    "https://tokens.example/trpc",
    "https://tokens.example/auth/trpc/",
    "https://tokens.example?tenant=canary",
    "https://tokens.example#canary",
    "https://canary:canary@tokens.example",
    "https://canary@tokens.example",
  ])("must not be %s", (url) => {
    expect(() => checkServiceUrl(url)).toThrow(/^--url must/);
    expect(() => checkServiceUrl(url)).not.toThrow(/canary/);
  });

  it.each(["http://127.0.0.1:3000", "https://tokens.example/", "https://tokens.example/auth", "http://[::1]:3000"])(
    "may be %s",
    (url) => {
      expect(() => checkServiceUrl(url)).not.toThrow();
    },
  );

  it.each([
    ["https://tokens.example/trpc", "https://tokens.example"],
    ["https://tokens.example/auth/trpc/", "https://tokens.example/auth"],
    ["https://tokens.example/trpc/getToken", "https://tokens.example"],
  ])("of %s says which is meant", (url, meant) => {
    expect(() => checkServiceUrl(url)).toThrow(`--url must be without /trpc, which is added to it: ${meant}`);
  });

  it("is refused in one line, with its fault and no secret", async () => {
    await using server = await listening(createServer(answering(404)));
    const at = (url: string) => mintmark(["keys", "list", "--url", url]);
    expect(await at(`http://127.0.0.1:${server.port}`)).toEqual({
      status: 1,
      stdout: "",
      stderr: `mintmark: The service at http://127.0.0.1:${server.port} answers 404, so it is not Mintmark: check the path, which is everything before /trpc\n`,
    });
    const secret = await at("http://admin:canary@127.0.0.1:3000");
    expect(secret).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^mintmark: --url must have no password.*\n$/),
    });
    expect(secret.stderr).not.toContain("canary");
  });
});

describe("a client", () => {
  it.each([301, 302, 303, 307, 308])(
    "follows no redirect (%s): the call would lose its input, or reach another server",
    async (status) => {
      await using server = await openServer();
      const calls: string[] = [];
      await using redirecting = await listening(
        createServer((request, response) => {
          calls.push(String(request.method));
          response.writeHead(status, { location: `${server.url}${request.url}` }).end();
        }),
      );
      const client = createTokenClient({ url: `http://127.0.0.1:${redirecting.port}` });
      await expect(client.getToken.query({ subject: "ada" })).rejects.toThrow();
      expect(calls).toEqual(["POST"]);
    },
  );
});

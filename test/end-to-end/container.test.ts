import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { canContain, mountedFolder, startContained, USER } from "../support/container.ts";
import { testWith } from "../support/optional.ts";

const SECRET = "a-secret-of-more-than-32-bytes-in-length";
const KEK = Buffer.alloc(32, 7).toString("base64");

/** Variables that Kubernetes sets for Services named kubernetes, mintmark and mintmark-feed. */
const INJECTED = {
  HOSTNAME: "mintmark-7d4b9c-x2x9p",
  KUBERNETES_PORT: "tcp://10.96.0.1:443",
  MINTMARK_SERVICE_HOST: "10.96.14.3",
  MINTMARK_SERVICE_PORT: "80",
  MINTMARK_SERVICE_PORT_HTTP: "80",
  MINTMARK_PORT: "tcp://10.96.14.3:80",
  MINTMARK_PORT_80_TCP: "tcp://10.96.14.3:80",
  MINTMARK_PORT_80_TCP_PROTO: "tcp",
  MINTMARK_PORT_80_TCP_PORT: "80",
  MINTMARK_PORT_80_TCP_ADDR: "10.96.14.3",
  MINTMARK_FEED_SERVICE_HOST: "10.96.14.4",
  MINTMARK_FEED_PORT: "tcp://10.96.14.4:80",
};

const SET = { HOST: "0.0.0.0", PORT: "0", MINTMARK_ISSUER: "https://tokens.example" };
const SECRETS = { kek: `${KEK}\n`, "admin-secret": `${SECRET}\n` };

const testContained = testWith({
  program: "unshare with the rights of root",
  found: canContain(),
  required: false,
});

/** Starts the server on a data folder with this owner and mode, and stops it. */
async function serveContained(data: { user: number; mode: number }): Promise<void> {
  using mounted = mountedFolder(data, SECRETS);
  await using server = startContained(mounted.path, {
    ...INJECTED,
    ...SET,
    MINTMARK_DATA: mounted.pathOf("data"),
    MINTMARK_KEK_FILE: mounted.pathOf("kek"),
    MINTMARK_ADMIN_SECRET_FILE: mounted.pathOf("admin-secret"),
  });
  const { port } = new URL(await server.origin);
  const url = `http://127.0.0.1:${port}`;
  const client = createTokenClient({ url, credentials: { clientId: "admin", clientSecret: SECRET } });

  const { token } = await client.getToken.query({ subject: "ada" });
  expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "ada", iss: SET.MINTMARK_ISSUER });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  const signalledAt = performance.now();
  server.signal("SIGTERM");
  expect(await server.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining(SECRET) });
  // MINTMARK_DRAIN is one second, and no request is in flight.
  expect(performance.now() - signalledAt).toBeLessThan(5_000);
  expect(readdirSync(mounted.pathOf("data"))).toContain("mintmark.db");
}

describe("as the first process of a container, without rights, before a read-only file system", () => {
  testContained("it starts, serves and ends on SIGTERM, with secrets from files", () =>
    serveContained({ user: USER, mode: 0o755 }),
  );

  // With fsGroup, Kubernetes changes only the group of a volume; its owner stays root.
  testContained("so it does on a folder that its group alone may write", () =>
    serveContained({ user: 0, mode: 0o2775 }),
  );

  testContained("a start ends on SIGTERM, whatever it waits for", async () => {
    using mounted = mountedFolder({ user: USER, mode: 0o700 }, { ...SECRETS });
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const asked = once(silent, "connection");
    const { port } = silent.address() as AddressInfo;
    await using server = startContained(mounted.path, {
      ...SET,
      DATABASE_URL: `postgres://127.0.0.1:${port}/mintmark`,
      MINTMARK_KEK_FILE: mounted.pathOf("kek"),
    });
    const [socket] = await asked;
    server.signal("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, stdout: "", stderr: "" });
    socket.destroy();
    silent.close();
  });

  testContained("a command ends on SIGTERM, and says by its exit status that it did", async () => {
    using mounted = mountedFolder({ user: USER, mode: 0o700 }, {});
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const asked = once(silent, "connection");
    const { port } = silent.address() as AddressInfo;
    const words = ["dist/bin/mintmark.js", "clients", "list", "--url", `http://127.0.0.1:${port}`];
    await using command = startContained(mounted.path, INJECTED, words);
    const [socket] = await asked;
    command.signal("SIGTERM");
    expect(await command.ended).toEqual({ code: 143, stdout: "", stderr: "" });
    socket.destroy();
    silent.close();
  });
});

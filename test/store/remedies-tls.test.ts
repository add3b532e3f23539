import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { certify } from "../support/der.ts";
import { describePostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { giveTo, serverAccount } from "../support/postgres-programs.ts";
import { sentenceFor } from "./sentence.ts";

const WAIT = { timeout: 10_000, interval: 20 };

describePostgres("a database with TLS", () => {
  let postgres: Postgres;
  let url: URL;
  let folder: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    url = new URL(await postgres.newDatabase());
    folder = mkdtempSync(join(tmpdir(), "mintmark-tls-"));
    for (const [file, until] of [
      ["sound", "491231235959Z"],
      ["expired", "210101000000Z"],
    ] as const)
      writePair(join(folder, file), until);
    giveTo(serverAccount(), folder);
    await present("sound");
  });
  afterAll(async () => {
    await postgres[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const present = async (file: string) => {
    await postgres.query(`alter system set ssl_cert_file = '${folder}/${file}.crt'`);
    await postgres.query(`alter system set ssl_key_file = '${folder}/${file}.key'`);
    await postgres.query("alter system set ssl = on");
    await postgres.query("select pg_reload_conf()");
    await vi.waitFor(async () => expect(await postgres.query("show ssl")).toEqual([{ ssl: "on" }]));
  };
  const at = (hostname: string, parameters: string) =>
    Object.assign(new URL(url), { hostname, search: parameters }).href;

  it("is used if its certificate is trusted", async () => {
    await present("sound");
    const store = await openPostgresStore(at("localhost", `?sslmode=verify-full&sslrootcert=${folder}/sound.crt`));
    expect(await store.listKeys()).toEqual([]);
    await store.close();
  });

  const CERTIFICATES = {
    "of no authority that is known": {
      host: "localhost",
      said: /\(DEPTH_ZERO_SELF_SIGNED_CERT\): .* add sslrootcert=FILE/,
    },
    "for another name": {
      host: "127.0.0.1",
      root: "sound.crt",
      said: /\(ERR_TLS_CERT_ALTNAME_INVALID\): .* another host/,
    },
    "that has expired": {
      file: "expired",
      host: "localhost",
      root: "expired.crt",
      said: /\(CERT_HAS_EXPIRED\): .* renew it/,
    },
    "and a root that is none": {
      host: "localhost",
      root: "sound.key",
      said: /\(DEPTH_ZERO_SELF_SIGNED_CERT\): .* add sslrootcert=FILE/,
    },
  } as const;

  it.each(Object.entries(CERTIFICATES))("gives a remedy for a certificate %s", async (_, certificate) => {
    const { file = "sound", host, root, said } = { file: undefined, root: undefined, ...certificate };
    await present(file);
    const parameters = `?sslmode=verify-full${root === undefined ? "" : `&sslrootcert=${folder}/${root}`}`;
    // The server presents a new certificate after it has reloaded its settings.
    await vi.waitFor(async () => expect(await sentenceFor(at(host, parameters))).toMatch(said), WAIT);
  });

  it("gives a remedy if it requires TLS and the URL has none", async () => {
    const hba = String((await postgres.query("show hba_file"))[0]?.hba_file);
    writeFileSync(hba, "hostssl all all all scram-sha-256\n");
    await postgres.query("select pg_reload_conf()");
    const said = /\(28000\): it rejects this user from this host: .* sslmode=verify-full if it requires TLS/;
    await vi.waitFor(async () => expect(await sentenceFor(url.href)).toMatch(said), WAIT);
  });
});

/** Writes a key, and its self-signed certificate for `localhost`. */
function writePair(file: string, until: string): void {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const base64 = certify(publicKey, privateKey, { name: "localhost", until }).toString("base64");
  writeFileSync(
    `${file}.crt`,
    `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  );
  writeFileSync(`${file}.key`, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
}

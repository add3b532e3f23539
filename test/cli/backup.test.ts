import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TRPCClient } from "@trpc/client";
import { describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import type { TokenRouter } from "../../src/router/router.ts";
import { blockOf } from "../support/guide.ts";
import { testWith } from "../support/optional.ts";
import { startPostgres } from "../support/postgres.ts";
import { findPrograms } from "../support/postgres-programs.ts";
import { openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

type Environment = Record<string, string>;
type Shell = (words: string, environment: Environment) => Promise<unknown>;

const COMMAND = join(import.meta.dirname, "../../dist/bin/mintmark.js");
const COMMON = { MINTMARK_ISSUER: "https://tokens.example", MINTMARK_ACCESS: "open", PORT: "0" };

/** Runs the blocks of the guide that contain certain words, with a folder of their own for backups. */
function shellIn(folder: string, programs: string[] = []): Shell {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "mintmark"), `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(join(bin, "mintmark"), 0o755);
  const PATH = [bin, ...programs, process.env.PATH].join(":");
  return (words, environment) => {
    const script = blockOf("docs/deployment.md", "sh", words).replaceAll("/var/backups", folder);
    return promisify(execFile)("sh", ["-euc", script], { env: { ...environment, PATH } });
  };
}

type Restored = { client: TRPCClient<TokenRouter>; late: IssuedToken; environment: Environment };
type IssuedToken = { token: string; refreshToken?: string | undefined };

/** The data of the server, the place of the restored one, and the action after the restore. */
type Move = {
  from: Environment;
  to: Environment;
  backUp: string;
  restore: string;
  afterwards?: (restored: Restored) => Promise<void>;
};

/** Backs up a running server, restores it elsewhere, and compares the state. */
async function backUpAndRestore(shell: Shell, { from, to, backUp, restore, afterwards }: Move): Promise<void> {
  const [before, after] = [
    { ...COMMON, ...from },
    { ...COMMON, ...to },
  ];
  await using server = await openProgram(before);
  const here = createTokenClient({ url: server.origin });
  const { clientId } = await here.clients.create.mutate({ name: "billing", permissions: ["issue"] });
  const [kept, revoked, late] = await Promise.all([1, 2, 3].map(() => here.getToken.query({ refreshable: true })));
  if (!kept || !revoked || !late) throw new Error("three tokens are needed");
  await here.revokeToken.mutate({ token: revoked.token });
  await shell(backUp, before);
  await here.revokeToken.mutate({ token: late.token });

  await shell(restore, after);
  await using restored = await openProgram(after);
  const client = createTokenClient({ url: restored.origin });
  const verify = ({ token }: { token: string }) => client.verifyToken.mutate({ token });
  expect(await verify(kept)).toMatchObject({ iss: COMMON.MINTMARK_ISSUER });
  await expect(verify(revoked)).rejects.toMatchObject({ data: { reason: "token_revoked" } });
  expect((await client.clients.list.query()).map((one) => one.clientId)).toEqual([clientId]);
  await afterwards?.({ client, late, environment: after });
}

/** The warning of the guide, and its remedy. */
async function endAll(shell: Shell, { client, late, environment }: Restored): Promise<void> {
  const { token, refreshToken = "" } = late;
  expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "local" });
  await shell('keys revoke -- "$kid"', environment);
  const verdict = () => verdictOf(client.verifyToken.mutate({ token }).catch(({ data }) => Promise.reject(data)));
  await expect.poll(verdict).toBe("invalid_token");
  await expect(client.refreshToken.mutate({ refreshToken })).rejects.toMatchObject({ data: { httpStatus: 401 } });
  const { token: next } = await client.getToken.query();
  expect(await client.verifyToken.mutate({ token: next })).toMatchObject({ sub: "local" });
}

describe("a backup of the embedded database", () => {
  it("copies a running server's data, and restores it as in the guide", async () => {
    using folder = temporaryFolder();
    const [from, to] = [join(folder.path, "from"), join(folder.path, "to")];
    mkdirSync(to);
    const shell = shellIn(folder.path);
    await backUpAndRestore(shell, {
      from: { MINTMARK_DATA: from },
      to: { MINTMARK_DATA: to },
      backUp: "mintmark backup",
      restore: "install -m 0600 /var/backups/mintmark.db",
      afterwards: (restored) => endAll(shell, restored),
    });
    expect(statSync(join(folder.path, "mintmark.db")).mode & 0o777).toBe(0o600);
  }, 60_000);
});

const TOOLS = ["pg_dump", "pg_restore"];

describe("a backup of PostgreSQL", () => {
  const test = testWith({
    program: "pg_dump",
    found: findPrograms(TOOLS).length > 0,
    required: process.env.MINTMARK_TEST_POSTGRES === "required",
  });

  test("copies running servers' data, and restores it as in the guide", async () => {
    using folder = temporaryFolder();
    await using postgres = await startPostgres(TOOLS);
    const MINTMARK_KEK = randomBytes(32).toString("base64url");
    const database = async () => ({ DATABASE_URL: await postgres.newDatabase(), MINTMARK_KEK });
    await backUpAndRestore(shellIn(folder.path, [postgres.bin]), {
      from: await database(),
      to: await database(),
      backUp: "pg_dump",
      restore: "pg_restore",
    });
  }, 60_000);
});

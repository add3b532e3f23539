import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startAndKill, startServer } from "../support/process.ts";
import { openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";

/** Number of killed first starts. MINTMARK_TEST_KILLS sets another. */
const KILLS = Number(process.env.MINTMARK_TEST_KILLS ?? 2);

/** Servers that start at the same moment. */
const STARTS = KILLS > 2 ? 24 : 5;

/** Latest kill after the start, in milliseconds: Node loads the program, then the server creates the tables and a key. */
const LATEST = 700;
/** Latest kill after the database file exists, in milliseconds: most of the work takes less. */
const LATEST_FROM_FILE = 60;

const TIMEOUT = 30_000 + KILLS * 5000;

type Environment = Record<string, string>;

async function expectTokens(url: string): Promise<void> {
  const client = createTokenClient({ url });
  const { token } = await client.getToken.query({ subject: "ada" });
  expect(await client.verifyToken.mutate({ token })).toMatchObject({ sub: "ada" });
}

/** Waits until a file exists, for at most 10 s. */
async function appearance(file: string): Promise<void> {
  const until = performance.now() + 10_000;
  while (!existsSync(file) && performance.now() < until) await sleep(1);
}

/** Kills first starts, each on new data, and starts a server on the data that remain. */
async function killFirstStarts(newData: () => Promise<Environment>): Promise<void> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    const environment: Environment = { PORT: "0", ...(await newData()) };
    const { MINTMARK_DATA: folder } = environment;
    const moment =
      folder === undefined
        ? sleep(Math.random() * LATEST)
        : appearance(join(folder, "mintmark.db")).then(() => sleep(Math.random() * LATEST_FROM_FILE));
    await startAndKill(environment, moment);
    await using server = await openProgram(environment);
    await expectTokens(server.origin);
  }
}

/** Starts servers on the same data at once. Returns those that serve, and the messages of the others. */
async function startAtOnce(environment: Environment) {
  const starts = Array.from({ length: STARTS }, () => startServer({ PORT: "0", ...environment }));
  const settled = await Promise.allSettled(starts);
  return {
    serving: settled.flatMap((start) => (start.status === "fulfilled" ? [start.value] : [])),
    refusals: settled.flatMap((start) => (start.status === "rejected" ? [String(start.reason.message)] : [])),
    async [Symbol.asyncDispose]() {
      for (const start of settled) if (start.status === "fulfilled") await start.value[Symbol.asyncDispose]();
    },
  };
}

describe("first starts on the embedded database", () => {
  it(
    `that are killed ${KILLS} times leave data that every later start can use`,
    async () => {
      const folders = Array.from({ length: KILLS }, temporaryFolder);
      let next = 0;
      const newData = async () => ({ MINTMARK_DATA: folders[next++]?.path ?? "" });
      await killFirstStarts(newData).finally(() => {
        for (const folder of folders) folder[Symbol.dispose]();
      });
    },
    TIMEOUT,
  );

  it(
    `of which ${STARTS} come at once let one serve, refuse all others in one line, and leave the folder in order`,
    async () => {
      using folder = temporaryFolder();
      const environment = { MINTMARK_DATA: folder.path };
      {
        await using started = await startAtOnce(environment);
        expect(started.serving).toHaveLength(1);
        for (const refusal of started.refusals) {
          const [, line = ""] = /^the server did not start: ([^\n]+)\n$/.exec(refusal) ?? [];
          expect(JSON.parse(line).msg).toMatch(/^[^\n]* is in use by another Mintmark server: [^\n]+$/);
        }
        await expectTokens(started.serving[0]?.origin ?? "");
      }
      await using later = await openProgram(environment);
      await expectTokens(later.origin);
    },
    TIMEOUT,
  );
});

describePostgres("first starts on PostgreSQL", () => {
  const newData = async () => ({
    DATABASE_URL: await sharedPostgres.newDatabase(),
    MINTMARK_KEK: "none",
    MINTMARK_ISSUER: "https://tokens.example",
    MINTMARK_ACCESS: "open",
  });

  it(
    `that are killed ${KILLS} times leave data that every later start can use`,
    () => killFirstStarts(newData),
    TIMEOUT,
  );

  it(
    `of which ${STARTS} come at once all serve`,
    async () => {
      await using started = await startAtOnce(await newData());
      expect(started.refusals).toEqual([]);
      for (const { origin } of started.serving) await expectTokens(origin);
    },
    TIMEOUT,
  );
});

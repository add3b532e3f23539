import type Database from "libsql/promise";
import type { Milliseconds } from "../../time.ts";
import type { OpenedFiles } from "./database-file.ts";
import type { LogSync } from "./log-sync.ts";

/** Pages of the log, of 4 kB, from which on a checkpoint is due. */
const MAX_PAGES = 2000;
/** Changed rows and commits of this process from one look at the log to the next. */
const WRITES_BETWEEN = 200;
/** Longest wait for a writer of another process, or a reader. */
const WAIT_MS: Milliseconds = 200;

export type Checkpoints = {
  /** Begins a checkpoint if the log is long, and none runs. Takes the writes of this process so far. */
  afterCommit(writes: number): void;
  /** Resolves when none runs. Begins none afterwards. */
  close(): Promise<void>;
};

export type CheckpointOptions = { files: Pick<OpenedFiles, "areInPlace">; log: Pick<LogSync, "isLongerThan"> };

/**
 * Moves the write-ahead log into the database file by a connection of its own, which the driver runs in its own threads: two
 * syncs and some thousand pages would block the event loop. First beside the writers, then for the rest with the write lock,
 * so that the log begins again; beside writers alone it would grow without end. What fails is left to the next one.
 *
 * The log itself decides whether one is due. Processes that count their own writes, and are killed before the count is reached,
 * would fill the disk together.
 */
export function createCheckpoints(file: string, { files, log }: CheckpointOptions): Checkpoints {
  let next = 0;
  let running: Promise<void> | undefined;
  let connection: Promise<Database> | undefined;

  async function run(): Promise<void> {
    connection ??= connect(file);
    const database = await connection;
    await database.exec("pragma wal_checkpoint(PASSIVE)");
    await database.exec("pragma wal_checkpoint(RESTART)");
  }

  return {
    afterCommit(writes) {
      if (writes < next || running !== undefined) return;
      next = writes + WRITES_BETWEEN;
      // The driver would create a file that was moved away.
      if (!log.isLongerThan(MAX_PAGES) || !files.areInPlace()) return;
      running = run()
        .catch(() => {})
        .finally(() => {
          running = undefined;
        });
    },
    async close() {
      next = Number.POSITIVE_INFINITY;
      await running;
      (await connection?.catch(() => undefined))?.close();
    },
  };
}

/** Loaded on first use: a server that writes little needs no second connection. */
async function connect(file: string): Promise<Database> {
  const { default: Connection } = await import("libsql/promise");
  const database = new Connection(file, { timeout: WAIT_MS / 1000 });
  await database.exec(`pragma busy_timeout = ${WAIT_MS}`);
  await database.exec("pragma synchronous = NORMAL");
  return database;
}

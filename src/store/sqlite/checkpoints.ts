import type Database from "libsql/promise";
import type { Milliseconds } from "../../time.ts";

/** Changed rows and commits from one checkpoint to the next: some 4 to 20 MB of the log. */
const WRITES_BETWEEN = 2000;
/** Longest wait for a writer of another process, or a reader. */
const WAIT_MS: Milliseconds = 200;

export type Checkpoints = {
  /** Begins a checkpoint if there are enough writes since the last one, and none runs. */
  afterCommit(writes: number): void;
  /** Resolves when none runs. Begins none afterwards. */
  close(): Promise<void>;
};

/**
 * Moves the write-ahead log into the database file by a connection of its own, which the driver runs in its own threads: two
 * syncs and some thousand pages would block the event loop. First beside the writers, then for the rest with the write lock,
 * so that the log begins again; beside writers alone it would grow without end. What fails is left to the next one.
 */
export function createCheckpoints(file: string, isInPlace: () => boolean): Checkpoints {
  let next = WRITES_BETWEEN;
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
      // The driver would create a file that was moved away.
      if (writes < next || running !== undefined || !isInPlace()) return;
      next = writes + WRITES_BETWEEN;
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

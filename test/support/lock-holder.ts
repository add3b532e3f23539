import { spawn } from "node:child_process";
import { once } from "node:events";
import { guarded } from "./children.ts";

const HOLD = `
  const [file, milliseconds] = process.argv.slice(1);
  const { default: Database } = await import("libsql");
  const database = new Database(file);
  database.exec("begin immediate");
  console.log("held");
  setTimeout(() => { database.exec("rollback"); database.close(); }, Number(milliseconds));`;

/** Resolves when another process holds the write lock of a SQLite file, for some milliseconds. */
export async function holdLock(file: string, milliseconds: number) {
  const holder = guarded(
    spawn(process.execPath, ["--input-type=module", "-e", HOLD, file, String(milliseconds)], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const ended = once(holder, "exit");
  await once(holder.stdout, "data");
  return {
    ended,
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await ended;
    },
  };
}

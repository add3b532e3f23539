import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { guarded } from "./children.ts";

const ROOT = join(import.meta.dirname, "../..");

/** From the sources as `npm run dev`, or what was built as `npm start`. */
const ENTRIES = { source: ["--import", "tsx", "src/program/main.ts"], built: ["dist/bin/main.js"] };

export type StartedServer = Awaited<ReturnType<typeof startServer>>;

/** Starts the server as a process of its own, on a free port unless the environment names one, and waits until it listens. `root` is another copy of the project, `node` another Node. */
export async function startServer(
  data: string,
  options: { entry: keyof typeof ENTRIES; env?: Record<string, string>; root?: string; node?: string },
) {
  const server = guarded(
    spawn(options.node ?? process.execPath, ENTRIES[options.entry], {
      cwd: options.root ?? ROOT,
      env: { PATH: process.env.PATH, PORT: "0", MINTMARK_LOG_LEVEL: "warn", MINTMARK_DATA: data, ...options.env },
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const ended = once(server, "exit");
  for await (const line of createInterface({ input: server.stdout })) {
    const [, url] = /^Mintmark listening on (\S+)/.exec(line) ?? [];
    if (url === undefined) continue;
    return {
      url,
      /** Ends it, and gives its exit status; `null` where a signal killed it. */
      async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
        server.kill(signal);
        const [code] = await ended;
        return code;
      },
    };
  }
  throw new Error("the server did not start");
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { guarded } from "../support/children.ts";
import { send } from "../support/request.ts";
import { temporaryFolder } from "../support/service.ts";

const ROOT = join(import.meta.dirname, "../..");

/** On Windows a signal ends a process at once. */
it.runIf(process.platform !== "win32").each(["SIGTERM", "SIGINT"] as const)(
  "npm start passes %s on to the server, and ends when that has finished",
  async (signal) => {
    using folder = temporaryFolder();
    const npm = guarded(
      spawn("npm", ["start"], {
        cwd: ROOT,
        env: {
          PATH: process.env.PATH,
          HOME: folder.path,
          npm_config_update_notifier: "false",
          MINTMARK_DATA: join(folder.path, "data"),
          PORT: "0",
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      }),
      { isGroup: true },
    );
    const log = text(npm.stderr);
    const ended = once(npm, "close");
    const origin = await new Promise<string | undefined>((resolve) => {
      let printed = "";
      npm.once("close", () => resolve(undefined));
      npm.stdout.setEncoding("utf8").on("data", (more: string) => {
        printed += more;
        const [, found] = /^Mintmark listening on (\S+)\n/m.exec(printed) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    if (origin === undefined) throw new Error(`npm start did not start the server: ${await log}`);
    npm.kill(signal);
    // Standard error closes when the last process that can write to it has ended.
    expect(await log).toContain(`"signal":"${signal}","msg":"shutting down"`);
    expect(await ended).toEqual([0, null]);
    await expect(send(origin)).rejects.toThrow(/ECONNREFUSED/);
  },
);

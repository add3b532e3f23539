import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { MintmarkError, type Reason } from "../../src/errors.ts";
import { guarded } from "./children.ts";

type Response = { id: number; outcome?: unknown; failure?: { reason?: Reason; message: string } };
type Waiting = { resolve: (outcome: never) => void; reject: (error: Error) => void };

const programs = new Map<string, string>();

/** Compiles a source file of this folder with its modules, once: a process starts in a third of the CPU time of `tsx`. */
function programOf(file: string): string {
  const known = programs.get(file);
  if (known !== undefined) return known;
  const entryPoints = [join(import.meta.dirname, file)];
  const options = { bundle: true, packages: "external", platform: "node", format: "esm", write: false } as const;
  const [output] = buildSync({ entryPoints, ...options }).outputFiles;
  if (output === undefined) throw new Error(`${file} has no output`);
  programs.set(file, output.text);
  return output.text;
}

/** Starts a source file of this folder as a process that serves requests. Killed at the end of the block. */
export function startRemote(file: string, { words = [], env }: { words?: string[]; env?: NodeJS.ProcessEnv } = {}) {
  const child: ChildProcess = guarded(
    spawn(process.execPath, ["--input-type=module", "-", ...words], {
      cwd: import.meta.dirname,
      stdio: ["pipe", "inherit", "inherit", "ipc"],
      serialization: "advanced",
      env: { PATH: process.env.PATH, ...env },
    }),
  );
  child.stdin?.end(programOf(file));
  const waiting = new Map<number, Waiting>();
  child.on("message", ({ id, outcome, failure }: Response) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (failure === undefined) resolve?.(outcome as never);
    else reject?.(failure.reason ? new MintmarkError(failure.reason) : new Error(failure.message));
  });
  const ended = once(child, "exit").then(() => {
    for (const { reject } of waiting.values()) reject(new Error("the other process has ended"));
  });
  let count = 0;
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    ended,
    kill,
    disconnect: () => child.disconnect(),
    request: (content: object): Promise<unknown> =>
      new Promise((resolve, reject) => {
        count += 1;
        waiting.set(count, { resolve, reject });
        child.send({ id: count, content });
      }),
    [Symbol.asyncDispose]: kill,
  };
}

/** Answers the requests of the process that started this one. */
export function serveRemote<Content>(answer: (content: Content) => Promise<unknown>): void {
  process.on("message", async ({ id, content }: { id: number; content: Content }) => {
    const response: Omit<Response, "id"> = await answer(content).then(
      (outcome) => ({ outcome }),
      (error: Error) => ({
        failure: { ...(error instanceof MintmarkError && { reason: error.reason }), message: error.message },
      }),
    );
    process.send?.({ id, ...response });
  });
}

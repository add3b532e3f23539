import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { MintmarkError, type Reason } from "../../src/errors.ts";
import { guarded } from "./children.ts";

type Response = { id: number; outcome?: unknown; failure?: { reason?: Reason; message: string } };
type Waiting = { resolve: (outcome: never) => void; reject: (error: Error) => void };

/** Starts a source file of this folder as a process that serves requests. Killed at the end of its block. */
export function startRemote(file: string, { words = [], env }: { words?: string[]; env?: NodeJS.ProcessEnv } = {}) {
  const child: ChildProcess = guarded(
    fork(join(import.meta.dirname, file), words, {
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
      env: { PATH: process.env.PATH, ...env },
    }),
  );
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

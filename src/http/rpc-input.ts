import { type AnyTRPCRouter, TRPCError } from "@trpc/server";
import type { PlainRequest } from "./rpc-request.ts";

/** The inputs of all calls of a request, by their place. */
export type Inputs = {
  /** Reads them when they are first asked for, and once. Rejects with a `TRPCError`. */
  read(index: number): Promise<unknown>;
  /** The input of a call, as far as it was read. */
  known(index: number): unknown;
};

type ByPlace = { [index: number]: unknown };

/** `readText` gives what was sent: JSON, or nothing. */
export function createInputs(
  { isBatch, calls }: PlainRequest,
  { router, readText }: { router: AnyTRPCRouter; readText: () => Promise<string | null> },
): Inputs {
  const { input: transformer } = router._def._config.transformer;
  let reading: Promise<ByPlace> | undefined;
  let inputs: ByPlace | undefined;

  async function readAll(): Promise<ByPlace> {
    const text = await readText();
    const sent: unknown = text ? JSON.parse(text) : undefined;
    if (sent === undefined) return {};
    if (!isBatch) return { 0: transformer.deserialize(sent) };
    if (typeof sent !== "object" || sent === null || Array.isArray(sent)) {
      throw new TRPCError({
        code: "BAD_REQUEST",
        message: '"input" needs to be an object when doing a batch call',
      });
    }
    const given = [...calls.keys()].filter((index) => (sent as ByPlace)[index] !== undefined);
    return Object.fromEntries(given.map((index) => [index, transformer.deserialize((sent as ByPlace)[index])]));
  }

  async function readOnce(): Promise<ByPlace> {
    try {
      inputs = await readAll();
      return inputs;
    } catch (cause) {
      if (cause instanceof TRPCError) throw cause;
      throw new TRPCError({
        code: "BAD_REQUEST",
        message: cause instanceof Error ? cause.message : "Invalid input",
        cause,
      });
    }
  }

  return {
    async read(index) {
      reading ??= readOnce();
      return (await reading)[index];
    },
    known: (index) => inputs?.[index],
  };
}

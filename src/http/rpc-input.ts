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
  plain: PlainRequest,
  { router, readText }: { router: AnyTRPCRouter; readText: () => Promise<string> | string | null },
): Inputs {
  let reading: Promise<ByPlace> | undefined;
  let inputs: ByPlace | undefined;

  async function readAll(): Promise<ByPlace> {
    const text = await readText();
    try {
      inputs = parse(text, plain, router);
      return inputs;
    } catch (cause) {
      if (cause instanceof TRPCError) throw cause;
      const message = cause instanceof Error ? cause.message : "Invalid input";
      throw new TRPCError({ code: "BAD_REQUEST", message, cause });
    }
  }

  return {
    async read(index) {
      reading ??= readAll();
      return (await reading)[index];
    },
    known: (index) => inputs?.[index],
  };
}

function parse(text: string | null, { isBatch, calls }: PlainRequest, router: AnyTRPCRouter): ByPlace {
  const { input: transformer } = router._def._config.transformer;
  const sent: unknown = text ? JSON.parse(text) : undefined;
  if (sent === undefined) return {};
  if (!isBatch) return { 0: transformer.deserialize(sent) };
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) {
    throw new TRPCError({ code: "BAD_REQUEST", message: '"input" needs to be an object when doing a batch call' });
  }
  const inputs: ByPlace = {};
  for (let index = 0; index < calls.length; index += 1) {
    const input = (sent as ByPlace)[index];
    if (input !== undefined) inputs[index] = transformer.deserialize(input);
  }
  return inputs;
}

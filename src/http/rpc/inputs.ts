import type { IncomingMessage } from "node:http";
import { type AnyTRPCRouter, TRPCError } from "@trpc/server";
import { MintmarkError } from "../../errors.ts";
import { toTrpcError } from "../../verifier/middleware/trpc-error.ts";
import type { Target } from "../routes.ts";

/** How inputs are parsed. Both throw for invalid input. */
export type InputRules = {
  /** Parses JSON: the bytes of a body, the `input` of a URL, or nothing. In a batch, it has the inputs of all calls. */
  read(sent: Uint8Array | string | null, source: InputSource): unknown;
  /** Checks the input of one call. */
  check(input: unknown): void;
};

export type InputSource = { request: IncomingMessage; target: Target; isBatch: boolean; isSubscription?: boolean };

/** The rules of tRPC's adapters. */
const lenientRules: InputRules = {
  read(sent) {
    const text = typeof sent === "string" ? sent : lenientTextOf(sent ?? new Uint8Array());
    return text === "" ? undefined : JSON.parse(text);
  },
  check() {},
};

/** Decodes UTF-8 as the Fetch standard does: with replacement characters, without a byte order mark. */
function lenientTextOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** The inputs of the calls of a request, by index. */
export type Inputs = {
  /** Receives and parses all inputs at the first call. Rejects with a `TRPCError`. */
  read(index: number): Promise<unknown>;
  /** The input of a call, if it has been parsed. */
  known(index: number): unknown;
};

export type InputsOptions = {
  router: AnyTRPCRouter;
  rules?: InputRules | undefined;
  /** Receives the body, or the `input` of the URL. */
  receive: () => Promise<Uint8Array> | string | null;
};

type ByIndex = { [index: number]: unknown };

export function createInputs(source: InputSource, { router, rules = lenientRules, receive }: InputsOptions): Inputs {
  const { input: transformer } = router._def._config.transformer;
  let receiving: ReturnType<typeof receive> | undefined;
  let inputs: ByIndex | undefined;
  let fault: { cause: unknown } | undefined;

  function parseAll(sent: Uint8Array | string | null): ByIndex {
    if (fault !== undefined) throw fault.cause;
    try {
      const read = rules.read(sent, source);
      return read === undefined ? {} : source.isBatch ? batchOf(read) : { 0: read };
    } catch (cause) {
      fault = { cause };
      throw cause;
    }
  }

  const known = (index: number) => {
    const input = inputs !== undefined && Object.hasOwn(inputs, index) ? inputs[index] : undefined;
    return input === undefined ? undefined : transformer.deserialize(input);
  };

  return {
    async read(index) {
      try {
        receiving ??= receive();
        const sent = await receiving;
        inputs ??= parseAll(sent);
        rules.check(inputs[index]);
        return known(index);
      } catch (cause) {
        throw badRequest(cause);
      }
    },
    known,
  };
}

function batchOf(sent: unknown): ByIndex {
  if (typeof sent === "object" && sent !== null && !Array.isArray(sent)) return sent as ByIndex;
  throw new TRPCError({ code: "BAD_REQUEST", message: '"input" needs to be an object when doing a batch call' });
}

function badRequest(cause: unknown): TRPCError {
  if (cause instanceof TRPCError) return cause;
  // A body that could not be read: tRPC's adapters give the code alone.
  if (cause instanceof MintmarkError) return new TRPCError({ code: toTrpcError(cause).code });
  return new TRPCError({
    code: "BAD_REQUEST",
    message: cause instanceof Error ? cause.message : "Invalid input",
    cause,
  });
}

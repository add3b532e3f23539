import type { IncomingMessage } from "node:http";
import { type AnyTRPCRouter, TRPCError } from "@trpc/server";

/** How what was sent is read as inputs. Both throw what is refused. */
export type InputRules = {
  /** Reads JSON: a body's bytes, the `input` of a URL, or nothing. Of a batch, it holds the inputs of all calls. */
  read(sent: Uint8Array | string | null, about: InputSource): unknown;
  /** Checks the input of one call. */
  check(input: unknown): void;
};

export type InputSource = { request: IncomingMessage; isBatch: boolean; isSubscription?: boolean };

/** As tRPC's adapters do. */
const lenientRules: InputRules = {
  read(sent) {
    const text = typeof sent === "string" ? sent : textOf(sent ?? new Uint8Array());
    return text === "" ? undefined : JSON.parse(text);
  },
  check() {},
};

/** UTF-8 as the fetch standard decodes it: without a byte order mark. */
function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** The inputs of all calls of a request, by their place. */
export type Inputs = {
  /** Receives and reads them when they are first asked for, and once. Rejects with a `TRPCError`. */
  read(index: number): Promise<unknown>;
  /** The input of a call, as far as it was read. */
  known(index: number): unknown;
};

export type InputsOptions = {
  router: AnyTRPCRouter;
  rules?: InputRules | undefined;
  /** Gives what was sent. */
  receive: () => Promise<Uint8Array> | string | null;
};

type ByPlace = { [index: number]: unknown };

export function createInputs(source: InputSource, { router, rules = lenientRules, receive }: InputsOptions): Inputs {
  const { input: transformer } = router._def._config.transformer;
  let reading: Promise<ByPlace> | undefined;
  let inputs: ByPlace | undefined;

  async function readAll(): Promise<ByPlace> {
    const sent = await receive();
    return orBadRequest(() => {
      const read = rules.read(sent, source);
      inputs = read === undefined ? {} : source.isBatch ? placed(read) : { 0: read };
      return inputs;
    });
  }

  const known = (index: number) => {
    const input = inputs !== undefined && Object.hasOwn(inputs, index) ? inputs[index] : undefined;
    return input === undefined ? undefined : transformer.deserialize(input);
  };

  return {
    async read(index) {
      reading ??= readAll();
      const sent = (await reading)[index];
      return orBadRequest(() => {
        rules.check(sent);
        return known(index);
      });
    },
    known,
  };
}

function placed(sent: unknown): ByPlace {
  if (typeof sent === "object" && sent !== null && !Array.isArray(sent)) return sent as ByPlace;
  throw new TRPCError({ code: "BAD_REQUEST", message: '"input" needs to be an object when doing a batch call' });
}

function orBadRequest<Outcome>(read: () => Outcome): Outcome {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause;
    const message = cause instanceof Error ? cause.message : "Invalid input";
    throw new TRPCError({ code: "BAD_REQUEST", message, cause });
  }
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type { TRPCRequestInfo } from "@trpc/server/http";
import { createInputs, type InputRules } from "./inputs.ts";
import { type PlainRequest, readBody } from "./plain-request.ts";

export type Call = TRPCRequestInfo["calls"][number] & { procedure: AnyTRPCProcedure };

/** What tRPC tells of a request, all of whose procedures are there. */
export type RequestInfo = Omit<TRPCRequestInfo, "calls"> & { calls: Call[] };

type Exchange = { request: IncomingMessage; response: ServerResponse };

/** What is made for those alone who look at it. An accessor of an object's own would give each a shape of its own, which stays in memory. */
const onDemand = {
  get signal(): AbortSignal {
    const { [EXCHANGE]: exchange } = this as unknown as LazyInfo;
    exchange.signal ??= signalOf(exchange.response);
    return exchange.signal;
  },
  get url(): URL {
    const { url, headers } = (this as unknown as LazyInfo)[EXCHANGE].request;
    return new URL(url ?? "", `http://${headers.host ?? "localhost"}`);
  },
};
const EXCHANGE = Symbol("exchange");
type LazyInfo = { [EXCHANGE]: Exchange & { signal?: AbortSignal } };

export type InfoOptions = {
  router: AnyTRPCRouter;
  maxBodySize?: number | undefined;
  inputRules?: InputRules | undefined;
};

/** Makes what tRPC tells of a request. */
export function requestInfo({ request, response }: Exchange, plain: PlainRequest, options: InfoOptions): RequestInfo {
  const { router, maxBodySize, inputRules } = options;
  const inputs = createInputs(
    { request, isBatch: plain.isBatch },
    {
      router,
      rules: inputRules,
      receive: () => (request.method === "GET" ? plain.urlInput : readBody(request, maxBodySize)),
    },
  );
  return Object.assign(Object.create(onDemand), {
    [EXCHANGE]: { request, response },
    isBatchCall: plain.isBatch,
    type: plain.type,
    accept: null,
    connectionParams: null,
    calls: plain.calls.map(({ path, procedure }, batchIndex) => ({
      path,
      procedure,
      batchIndex,
      getRawInput: () => inputs.read(batchIndex),
      result: () => inputs.known(batchIndex),
    })),
  });
}

/** Tells that a client has left before it was answered. */
function signalOf(response: ServerResponse): AbortSignal {
  const leaving = new AbortController();
  response.once("close", () => {
    if (!response.writableEnded) leaving.abort();
  });
  return leaving.signal;
}

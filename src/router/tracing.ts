import type { AnyTRPCProcedure } from "@trpc/server";
import { inSpan, SERVER_SPAN, type Tracer } from "../service/operations/tracer.ts";
import { reasonOf } from "./error-shape.ts";

/** Creates a span for each call of the procedures of a nested record. A subscription's span ends when it starts to stream. No change without a tracer. */
export function traced<Procedures extends object>(procedures: Procedures, tracer: Tracer | undefined): Procedures {
  if (tracer === undefined) return procedures;
  const entries = Object.entries(procedures).map(([name, one]) => [
    name,
    typeof one === "function" ? tracedProcedure(one, tracer) : traced(one, tracer),
  ]);
  return Object.fromEntries(entries);
}

function tracedProcedure(procedure: AnyTRPCProcedure, tracer: Tracer): AnyTRPCProcedure {
  const call = (options: Parameters<AnyTRPCProcedure>[0]) => {
    const { path } = options as { path: string };
    const attributes = { "rpc.system": "trpc", "rpc.service": "mintmark", "rpc.method": path };
    const span = { name: `mintmark/${path}`, kind: SERVER_SPAN, attributes, reasonOf };
    return inSpan(tracer, span, () => procedure(options));
  };
  return Object.assign(call, procedure);
}

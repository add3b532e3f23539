import type { Tracer } from "../service/operations/tracer.ts";

/** The tracer of an OpenTelemetry SDK that was registered before this program, for example by `node --import`. */
export async function registeredTracer(): Promise<Tracer | undefined> {
  const { isSpanContextValid, trace } = await import("@opentelemetry/api");
  const tracer = trace.getTracer("mintmark");
  // Without an SDK the API returns spans with an invalid context.
  return isSpanContextValid(tracer.startSpan("start").spanContext()) ? tracer : undefined;
}

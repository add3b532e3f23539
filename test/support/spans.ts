import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, type ContextManager, context, ROOT_CONTEXT } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

/** A tracer of OpenTelemetry's own SDK, and the spans that it has made. */
export function recordSpans() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(createContextManager());
  return {
    tracer: provider.getTracer("mintmark"),
    spans: () => exporter.getFinishedSpans(),
    async [Symbol.asyncDispose]() {
      context.disable();
      await provider.shutdown();
    },
  };
}

/** By which a span knows the one that it is within. */
function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, ...[self, ...parameters]) => storage.run(active, () => work.apply(self, parameters)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

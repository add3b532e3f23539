/** Sets OpenTelemetry up in the program that is started with it, as an operator would, and writes every span to standard error. */
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

console.dir = (span) => void process.stderr.write(`span ${JSON.stringify(span)}\n`);
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] }),
);

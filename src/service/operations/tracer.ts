import { MintmarkError, type Reason } from "../../errors.ts";

/**
 * The subset of an OpenTelemetry tracer in use, such as `trace.getTracer("mintmark")` of `@opentelemetry/api`. Not imported
 * from there: without that package, the declarations would fail to compile.
 */
export type Tracer = {
  startActiveSpan<Result>(name: string, options: SpanOptions, work: (span: Span) => Result): Result;
};

type SpanOptions = { kind: number; attributes: Record<string, string> };

type Span = {
  setAttribute(name: string, value: string): unknown;
  setStatus(status: { code: number; message: string }): unknown;
  end(): void;
};

/** Constants of OpenTelemetry. */
export const SERVER_SPAN = 1;
export const CLIENT_SPAN = 2;
const ERROR_STATUS = 2;

/** Runs work within a span. On failure the span gets the catalogue's reason only: the error message may quote a secret. */
export function inSpan<Result>(
  tracer: Tracer,
  { name, reasonOf = reasonIn, ...options }: SpanOptions & { name: string; reasonOf?: (error: unknown) => Reason },
  work: () => Promise<Result>,
): Promise<Result> {
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work();
    } catch (error) {
      const reason = reasonOf(error);
      span.setAttribute("error.type", reason);
      span.setStatus({ code: ERROR_STATUS, message: reason });
      throw error;
    } finally {
      span.end();
    }
  });
}

function reasonIn(error: unknown): Reason {
  return error instanceof MintmarkError ? error.reason : "internal_error";
}

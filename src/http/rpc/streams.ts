import { TRPCError } from "@trpc/server";

/** Whether data needs a streaming answer: an async iterable, or an object with a promise or an async iterable in it. */
export function isStream(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  if (isEventStream(data)) return true;
  for (const name in data) {
    const part: unknown = data[name as keyof typeof data];
    if (isEventStream(part) || part instanceof Promise) return true;
  }
  return false;
}

function isEventStream(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

export function streamError(): TRPCError {
  return new TRPCError({
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
  });
}

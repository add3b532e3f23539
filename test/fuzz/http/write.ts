import fc from "fast-check";

/** The head of a request, with marks (see `openPool`). `more`: header lines, each with its end. */
export type Head = { method: string; target: string; host: string; more: string };

/** The bytes of a request. */
export const write = ({ method, target, host, more }: Head, body: string) =>
  Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n${body}`);

/** A percent-encoded piece of a query, with its marks intact. */
export const inQuery = (text: string) => encodeURIComponent(text.toWellFormed()).replaceAll("%40", "@");

/** A header line that most requests do not have. */
export const header = (name: string, values: readonly string[], weight = 1) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    { weight, arbitrary: fc.constantFrom(...values).map((value) => `${name}: ${value}\r\n`) },
  );

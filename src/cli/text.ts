import { InvalidArgumentError } from "commander";
import type { Seconds } from "../time.ts";
import { escapeInvisible } from "../token/invisible.ts";

/** A table with headings. Escapes line breaks and control characters in a cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows.map((row) => row.map(escapeInvisible))];
  const widths = headings.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  return lines
    .map((cells) => cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)))
    .map((cells) => cells.join("  ").trimEnd())
    .join("\n");
}

/** A table of a page, and the option that gives the next one. */
export function pageTable(headings: readonly string[], rows: readonly (readonly string[])[], next?: string): string {
  return `${table(headings, rows)}${next === undefined ? "" : `\nmore: --before ${next}`}`;
}

/** Escapes control and bidirectional characters: data must not clear a terminal or reorder its text. */
export function printable(lines: string): string {
  return lines.split("\n").map(escapeInvisible).join("\n");
}

/** A time as `--from` accepts it: `2026-11-24T10:00:00Z`. Empty for none. */
export function moment(seconds: Seconds | undefined): string {
  return seconds === undefined ? "" : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** Parses a whole number. */
export function wholeNumber(word: string): number {
  if (!/^[0-9]{1,10}$/.test(word)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(word);
}

/** A date, or a date and a time with an optional zone (RFC 3339 §5.6). */
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|[+-]\d{2}:\d{2})?)?$/i;

/** Parses a date or a time. A date is its first second; a time without a zone is in UTC. */
export function instant(word: string): Seconds {
  const [, day = "", time = "00:00", zone = "Z"] = INSTANT.exec(word) ?? [];
  const milliseconds = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  // Date.parse accepts February 30 as a day in March.
  const isDay = !Number.isNaN(milliseconds) && new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  if (!isDay) throw new InvalidArgumentError("It must be a date or a time, as 2026-11-24 or 2026-11-24T10:00:00Z.");
  return Math.floor(milliseconds / 1000);
}

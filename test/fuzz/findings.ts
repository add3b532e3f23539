import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An input that broke a promise. Every run of the tests tries it again. */
export type Finding = {
  target: string;
  violation: string;
  /** The seed of the run that found it. */
  seed: number;
  input: unknown;
};

export const FINDINGS = join(import.meta.dirname, "findings");

/** Writes a finding to a file named by the hash of its input, and returns the path. */
export function keepFinding({ input, ...rest }: Finding): string {
  const text = `${JSON.stringify({ ...rest, input: packed(input) }, null, 2)}\n`;
  const digest = createHash("sha256")
    .update(JSON.stringify(packed(input)))
    .digest("hex")
    .slice(0, 10);
  const path = join(FINDINGS, `${rest.target}-${digest}.json`);
  mkdirSync(FINDINGS, { recursive: true });
  writeFileSync(path, text);
  return path;
}

export function readFindings(): (Finding & { file: string })[] {
  return readdirSync(FINDINGS)
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const { input, ...rest } = JSON.parse(readFileSync(join(FINDINGS, file), "utf8")) as Finding;
      return { ...rest, input: unpacked(input), file };
    });
}

/** A value in JSON: bytes as base64. */
function packed(value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  return mapParts(value, packed);
}

function unpacked(value: unknown): unknown {
  if (typeof value === "object" && value !== null && "base64" in value)
    return Buffer.from(String(value.base64), "base64");
  return mapParts(value, unpacked);
}

function mapParts(value: unknown, map: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, map(part)]));
}

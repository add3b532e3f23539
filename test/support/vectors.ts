import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";

/** Test vectors of others, read beside the project and never copied. */
const VECTORS = join(import.meta.dirname, "..", "..", "..", "shared", "vectors");

/** Describes a set of vectors; skips it, by a name that says so, if it is absent. */
export function describeVectors(set: string, describeThem: () => void): void {
  if (existsSync(join(VECTORS, set))) describe(`vectors ${set}`, describeThem);
  else test.skip(`vectors ${set} (test vectors absent: skipped)`, () => {});
}

export function listVectors(folder: string): string[] {
  return readdirSync(join(VECTORS, folder)).sort();
}

export function readVector(path: string): Buffer {
  return readFileSync(join(VECTORS, path));
}

/** A vector's JSON, with a shape that is not checked. */
export function readJsonVector<Shape>(path: string): Shape {
  return JSON.parse(readVector(path).toString("utf8")) as Shape;
}

/** A vector's text, without the newline at its end. */
export function readTextVector(path: string): string {
  return readVector(path).toString("utf8").trimEnd();
}

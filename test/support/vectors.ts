import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";

/** Test vectors that no one here wrote. They are read where they lie, beside the project, and never copied. */
const VECTORS = join(import.meta.dirname, "..", "..", "..", "shared", "vectors");

/** Describes what a set of vectors shows; where the set is absent it is skipped, and its name says so. */
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

/** A vector's JSON. Its shape is the caller's word: a wrong one fails the test that reads it. */
export function readJsonVector<Shape>(path: string): Shape {
  return JSON.parse(readVector(path).toString("utf8")) as Shape;
}

/** A vector's text, without the newline at its end. */
export function readTextVector(path: string): string {
  return readVector(path).toString("utf8").trimEnd();
}

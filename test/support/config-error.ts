import { StartError } from "../../src/errors.ts";
import { readConfig } from "../../src/program/config.ts";

/** The message with which an environment is refused, or `none`. */
export function configError(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "none";
}

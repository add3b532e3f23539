import { z } from "zod";
import { networksIn, PROXIES } from "./http/proxies.ts";

export const issuer = z
  .string()
  .min(1)
  .max(255)
  .refine(isIssuer, "must be an http or https URL without query, fragment or credentials");

export const callsPerMinute = z
  .string()
  .regex(/^[0-9]{1,9}$/, "must be a whole number of calls a minute (0 for any number)")
  .transform(Number);

export const proxies = z
  .string()
  .transform((list) => list.split(",").map((entry) => entry.trim()))
  .refine((entries) => entries.every((entry) => networksIn(entry) !== undefined), PROXIES);

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || text !== text.trim()) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && `${search}${hash}${username}${password}` === "";
}

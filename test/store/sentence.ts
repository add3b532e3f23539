import { expect } from "vitest";
import { StartError } from "../../src/errors.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";

/** A password that no message may contain. */
export const PASSWORD = "canary-in-a-password";

/** The message for a URL that cannot be opened: one line, without host, user and password. */
export async function sentenceFor(url: string): Promise<string> {
  const error = await openPostgresStore(url).then(
    (store) => store.close(),
    (cause: unknown) => cause,
  );
  expect(error, url).toBeInstanceOf(StartError);
  const { message } = error as StartError;
  expect(message).toMatch(/^[^\n]+$/);
  const { username, password, hostname } = URL.canParse(url) ? new URL(url) : new URL("none:");
  const isQuoted = (text: string) => text.length > 1 && text !== "mintmark" && message.includes(text);
  expect([PASSWORD, username, password, hostname].filter(isQuoted)).toEqual([]);
  return message;
}

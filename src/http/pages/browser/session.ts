import type { Issued } from "./service.ts";

/** The names in the storage of this origin, which all of its tabs share. */
const TOKEN = "mintmark.token";
const REFRESH_TOKEN = "mintmark.refreshToken";

export type Session = {
  token(): string;
  refreshToken(): string;
  save(issued: Pick<Issued, "token" | "refreshToken">): void;
};

/**
 * The current token. Where access is open, every tab of this origin has it. Otherwise it stays in memory: a token of a real
 * client is worth something.
 */
export function createSession({ isShared }: { isShared: boolean }): Session {
  const memory = new Map<string, string>();
  const read = (name: string) => (isShared ? localStorage.getItem(name) : memory.get(name)) ?? "";
  const write = (name: string, value: string) => {
    if (isShared) localStorage.setItem(name, value);
    else memory.set(name, value);
  };
  return {
    token: () => read(TOKEN),
    refreshToken: () => read(REFRESH_TOKEN),
    save({ token, refreshToken = "" }) {
      // Other tabs act on the token, so it comes last.
      write(REFRESH_TOKEN, refreshToken);
      write(TOKEN, token);
    },
  };
}

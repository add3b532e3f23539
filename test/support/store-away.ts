import { MintmarkError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { type OpenOptions, openServer } from "./service.ts";

/** A server on a real store that can be made unavailable: then every verb throws as for an unreachable database. */
export async function openServerOnLeavable(options: OpenOptions = {}) {
  let isAway = false;
  const wrap = ({ system, shared, watch, close, ...verbs }: Store): Store => {
    const leavable = Object.entries(verbs).map(([verb, call]) => [
      verb,
      async (...parameters: never[]) => {
        if (isAway) throw new MintmarkError("unavailable");
        return (call as (...parameters: never[]) => Promise<unknown>)(...parameters);
      },
    ]);
    return { system, shared, watch, close, ...Object.fromEntries(leavable) };
  };
  const opened = await openServer({ open: false, ...options, wrap });
  return {
    ...opened,
    leave() {
      isAway = true;
    },
    comeBack() {
      isAway = false;
    },
    async [Symbol.asyncDispose]() {
      isAway = false;
      await opened[Symbol.asyncDispose]();
    },
  };
}

import pino from "pino";
import { MintmarkError } from "../../src/errors.ts";
import { createTokenServer } from "../../src/index.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import type { Store } from "../../src/store/store.ts";
import { openSharedService } from "./shared-service.ts";

/** A server on a real store that can be away for a while: then every verb of it throws as that of a database does which cannot be reached. */
export async function openServerOnLeavable(options: Omit<TokenServiceOptions, "store" | "clock"> = {}) {
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
  const opened = await openSharedService({ ...options, wrap });
  const server = await createTokenServer(opened.service, { port: 0, logger: pino({ level: "silent" }) });
  return {
    ...opened,
    url: server.origin,
    leave() {
      isAway = true;
    },
    comeBack() {
      isAway = false;
    },
    async [Symbol.asyncDispose]() {
      isAway = false;
      await server.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}

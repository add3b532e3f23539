import type { Store } from "../store/store.ts";

/** How often upkeep is done, in milliseconds. */
const INTERVAL = 60_000;

export type UpkeepOptions = {
  upkeep: () => Promise<void>;
  reload: () => Promise<void>;
  watch: Store["watch"];
  onError: (work: string, error: unknown) => void;
};

/** Keeps a running service up to date: its own upkeep at intervals, and other servers' changes as they come. */
export function startUpkeep({ upkeep, reload, watch, onError }: UpkeepOptions): () => void {
  const timer = setInterval(() => upkeep().catch((error: unknown) => onError("upkeep", error)), INTERVAL).unref();
  const unwatch = watch(() => reload().catch((error: unknown) => onError("reading keys", error)));
  return () => {
    clearInterval(timer);
    unwatch();
  };
}

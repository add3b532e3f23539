import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The library of Debian's `faketime`. */
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

export const hasFakeClocks = existsSync(LIBRARY);

/** The wall clock of some processes, which can be set while they run. Monotonic clocks stay right. */
export function createFakeClock() {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-clock-"));
  const file = join(folder, "offset");
  const set = (seconds: number) => {
    // Renaming is atomic: no process reads an empty file.
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  const faked = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DISABLE_SHM: "1",
  };
  return {
    /** Variables that give a process this clock. */
    environment: (hasFakeClocks ? faked : {}) as Record<string, string>,
    /** Sets it ahead by some seconds, or back. */
    set,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

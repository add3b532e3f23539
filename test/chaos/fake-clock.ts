import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Debian's `faketime` has its library. */
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/** Whether clocks can be set here. */
export const hasFakeClocks = existsSync(LIBRARY);

/** A clock of some processes, which can be set while they run: the wall clock only, as an operator or NTP would. */
export function createFakeClock() {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-clock-"));
  const file = join(folder, "offset");
  const set = (seconds: number) => {
    // In one step: whoever reads it meanwhile must not find it empty.
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
    /** What makes a process go by this clock. */
    environment: (hasFakeClocks ? faked : {}) as Record<string, string>,
    /** Sets it ahead by so many seconds, or back. */
    set,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

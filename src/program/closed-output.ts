/** Codes of a write to a reader that has ended, or to a closed terminal. */
const READER_GONE = new Set(["EPIPE", "EIO", "ECONNRESET"]);

/**
 * Ignores a closed standard output or standard error, as behind `| head -1`: the program drops its output and finishes
 * its work. Calls `onFailure` where standard output fails for another reason, such as a full disk.
 */
export function ignoreClosedOutput(onFailure: (error: NodeJS.ErrnoException) => void): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!READER_GONE.has(error.code ?? "")) onFailure(error);
  });
}

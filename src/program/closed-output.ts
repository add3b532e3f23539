/** What a program that reads the output leaves behind when it ends, and a terminal when it is closed. */
const READER_GONE = new Set(["EPIPE", "EIO", "ECONNRESET"]);

/**
 * Goes on when nobody reads standard output or standard error any more, as behind `| head -1`: what is left to say is
 * dropped, and what was to be done is done. Calls back where standard output cannot be written for another reason, such
 * as a full disk.
 */
export function ignoreClosedOutput(onFailure: (error: NodeJS.ErrnoException) => void): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!READER_GONE.has(error.code ?? "")) onFailure(error);
  });
}

import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import { type Finding, failure, ok, splitSentence, warning } from "./finding.ts";

export type FolderEvidence = {
  folder: string;
  /** What other users could read before this command opened the data, and what they can read since. */
  before: readonly string[];
  after: readonly string[];
};

/** Whether the data folder is for its owner alone. Opening it restricts what belongs to this user. */
export function assessFolder({ folder, before, after }: FolderEvidence): Finding {
  const [open] = after;
  if (open !== undefined)
    return warning(
      "folder",
      `${open} is accessible to all users and belongs to another user`,
      `let its owner run  chmod -R o-rwx ${folder}`,
    );
  const [restricted] = before;
  if (restricted === undefined) return ok("folder", `${folder} is for its owner alone`);
  return warning(
    "folder",
    `${restricted} was accessible to other users until this command restricted it`,
    "if others use this machine, replace the keys by  mintmark keys rotate --immediate; find the program that changes the mode",
  );
}

/** Above this, a request that needs several calls of the database may miss its limit of 1.5 s. */
const SLOW_MS: Milliseconds = 250;

export type DatabaseEvidence = {
  /** Folder or URL, without secrets. */
  place: string;
  ms: Milliseconds;
  /** Why it cannot be written. */
  fault: string | undefined;
  notices: readonly string[];
};

export function assessDatabase({ place, ms, fault, notices }: DatabaseEvidence): Finding {
  if (fault !== undefined) return failure("database", ...splitSentence(fault, "check its disk and its log"));
  const took = `The database in ${place} answers in ${Math.ceil(ms)} ms`;
  if (ms > SLOW_MS) return warning("database", took, "check its load and the network between");
  const [notice] = notices;
  if (notice !== undefined) return warning("database", ...splitSentence(notice, "check DATABASE_URL"));
  return ok("database", `${took}, can be written, and has the schema of this release`);
}

export type ClockEvidence = {
  /** This machine's clock when PostgreSQL and the server answered, less theirs. */
  aheadOfPostgres: Seconds | undefined;
  aheadOfServer: Seconds | undefined;
  /** The same, less the time of the latest change of the embedded database: only a negative difference is a fault. */
  aheadOfLatestChange: Seconds | undefined;
};

/** A difference that NTP would have corrected. */
const NOTICEABLE: Seconds = 10;

export function assessClock({ aheadOfPostgres, aheadOfServer, aheadOfLatestChange }: ClockEvidence): Finding {
  const differences = [
    ["PostgreSQL's clock", aheadOfPostgres],
    ["the server's clock", aheadOfServer],
    ["the latest change of the data", aheadOfLatestChange && Math.min(0, aheadOfLatestChange)],
  ] as const;
  const known = differences.flatMap(([name, ahead]) => (ahead === undefined ? [] : [{ name, ahead }]));
  const [largest] = known.toSorted((a, b) => Math.abs(b.ahead) - Math.abs(a.ahead));
  if (largest === undefined) return ok("clock", "There is no other clock to compare this one with");
  const apart = Math.abs(Math.round(largest.ahead));
  if (apart <= NOTICEABLE)
    return ok("clock", `This machine's clock agrees with ${known.map(({ name }) => name).join(" and ")}`);
  const message = `This machine's clock is ${apart} s ${largest.ahead > 0 ? "ahead of" : "behind"} ${largest.name}`;
  const remedy = "synchronise the clocks of both by NTP";
  if (apart <= MAX_CLOCK_SKEW) return warning("clock", message, remedy);
  return failure("clock", `${message}, and ${MAX_CLOCK_SKEW} s are tolerated`, remedy);
}

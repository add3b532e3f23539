import { StartError } from "../../errors.ts";
import { readConfig } from "../../program/config.ts";
import type { Environment } from "../../program/environment/read-values.ts";
import type { Milliseconds } from "../../time.ts";
import { LIMIT_MS } from "../time-limit.ts";
import { assessServer } from "./assess-server.ts";
import { assessNode } from "./assess-setup.ts";
import { startChecks } from "./checks.ts";
import { startExamination } from "./examination.ts";
import { type Finding, failure, ok, splitSentence } from "./finding.ts";
import { get } from "./get.ts";

export type ExamineOptions = {
  environment?: Environment | undefined;
  /** The running server. Default: that at `HOST` and `PORT`. */
  url?: string | undefined;
  /** The supported versions of Node.js, such as `>=20.19`. */
  engines: string;
  /** Milliseconds since 1970. Default: the system clock. */
  now?: () => Milliseconds;
  /** Longest time for a check. Default 5 s. */
  limitMs?: Milliseconds;
};

/** Runs all checks in parallel. Changes nothing but the permissions of the data folder. Rejects for no failed check. */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { environment, url, engines, now = Date.now, limitMs = LIMIT_MS } = options;
  const node = assessNode(process.versions.node, engines);
  try {
    const config = readConfig(environment);
    const examination = startExamination(config, { environment, url, now, limitMs });
    const findings = await Promise.all(startChecks(examination));
    await examination.close();
    return [node, ok("environment", "The variables are valid"), ...findings];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const fault = splitSentence(error.message, "mintmark serve --help  lists the variables");
    const found = [node, failure("environment", ...fault)];
    return url === undefined ? found : [...found, assessServer(url, await get(url, "/readyz", limitMs), true)];
  }
}

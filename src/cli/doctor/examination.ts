import { httpOrigin } from "../../http/listen.ts";
import type { Config } from "../../program/config.ts";
import type { Environment } from "../../program/environment/read-values.ts";
import { reachable } from "../../program/welcome.ts";
import { failureCode } from "../../store/failure-code.ts";
import type { Store } from "../../store/store.ts";
import type { Milliseconds } from "../../time.ts";
import { publicDatabaseUrl } from "../database-url.ts";
import { openGuestStore } from "../guest-store.ts";
import { sentenceOf } from "../run.ts";
import { closeSoon, withinLimit } from "../time-limit.ts";
import type { Answer } from "./assess-server.ts";
import { type Check, type Finding, failure, ok, splitSentence, warning } from "./finding.ts";
import { get } from "./get.ts";
import { type Data, readData } from "./read-data.ts";
import { accessibleTo, FILES } from "./read-folder.ts";

export type ExaminationOptions = {
  environment: Environment | undefined;
  url: string | undefined;
  now: () => Milliseconds;
  limitMs: Milliseconds;
};

/** `isNamed`: the user named the URL. `at`: this machine's clock when the answer came. */
type ServerReply = { url: string; isNamed: boolean; answer: Answer; at: Milliseconds };
type Work<Input> = (input: Input) => Promise<Finding> | Finding;

/** What the checks of a configuration share. Everything is requested at once and awaited by the checks that need it. */
export type Examination = ExaminationOptions & {
  config: Config;
  /** Longest time for one answer. */
  answerMs: Milliseconds;
  /** The data folder or the database URL, without secrets. */
  place: string;
  /** What other users could read before the data was opened. */
  accessibleBefore: readonly string[];
  /** Sentences about the database that the server would log at its start. */
  notices: readonly string[];
  /** Undefined where there is no data yet. */
  opened: Promise<Store | undefined>;
  /** Undefined where there is no data yet. */
  data: Promise<Data | undefined>;
  /** The same; undefined, too, where the data cannot be read. */
  found: Promise<Data | undefined>;
  /** The answer of the running server to `/readyz`; undefined where its port is unknown. */
  server: Promise<ServerReply | undefined>;
  /** The issuer of a server that starts with this environment, as far as it is known. */
  issuerOf(data: Data | undefined): string;
  /** Runs a check within the limit. Never rejects. */
  run(check: Check, work: Work<void>): Promise<Finding>;
  /** Runs a check that needs data. */
  withData(check: Check, work: Work<Data>): Promise<Finding>;
  close(): Promise<void>;
};

/** Share of the limit for one answer: the checks that need it must report that there is none. */
const ANSWER_SHARE = 0.8;

export function startExamination(config: Config, options: ExaminationOptions): Examination {
  const { now, limitMs } = options;
  const answerMs = ANSWER_SHARE * limitMs;
  const accessibleBefore = accessibleTo("others", config.data, FILES);
  const place = config.databaseUrl === undefined ? "MINTMARK_DATA" : placeOf(config.databaseUrl);
  const notices: string[] = [];
  const opening = openGuestStore(config, (sentence) => notices.push(sentence));
  const opened = withinLimit(opening, { subject: `The database in ${place}`, limitMs: answerMs });
  const data = opened.then((store) => store && readData(store, { kek: config.kek, now }));

  const run: Examination["run"] = (check, work) =>
    withinLimit(Promise.resolve().then(work), { subject: "What this check reads", limitMs }).catch((error: unknown) =>
      failure(
        check,
        ...splitSentence(sentenceOf(error) ?? `The check failed (${failureCode(error) ?? "unknown error"})`, REPORT),
      ),
    );
  return {
    ...options,
    ...{ config, answerMs, place, accessibleBefore, notices, opened, data, run },
    found: data.catch(() => undefined),
    server: readServer(config, { ...options, answerMs }),
    issuerOf: (data) => config.issuer ?? data?.position.settings.issuer ?? httpOrigin(config.host, config.port),
    withData: (check, work) =>
      run(check, async () => {
        const read = await data.catch(() => null);
        if (read === null)
          return warning(check, "Not checked, since the database cannot be used", "repair the database first");
        return read === undefined ? ok(check, "There is no data yet") : work(read);
      }),
    close: () => closeSoon(opening),
  };
}

const REPORT = "run it again with the server's environment; if it fails again, report it";

function placeOf(databaseUrl: string): string {
  return publicDatabaseUrl(databaseUrl) ?? "DATABASE_URL";
}

async function readServer(
  { host, port }: Config,
  { url, now, answerMs }: ExaminationOptions & Pick<Examination, "answerMs">,
): Promise<ServerReply | undefined> {
  if (url === undefined && port === 0) return undefined;
  const base = url ?? reachable(httpOrigin(host, port));
  const answer = await get(base, "/readyz", answerMs);
  return { url: base.replace(/\/+$/, ""), isNamed: url !== undefined, answer, at: now() };
}

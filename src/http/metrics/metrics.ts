import type { Metrics } from "../../service/operations/counters.ts";
import { TIME_BOUNDS } from "../../service/operations/instrument-store.ts";
import type { TaskState } from "../../service/operations/tasks.ts";
import type { Route } from "../routes.ts";

/** One metric of one process, in prom-client's JSON form. */
export type Sample = {
  name: string;
  help: string;
  type: string;
  /** How prom-client aggregates several processes. */
  aggregator: string;
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
};

export type MetricsInput = { measures: Metrics; routes: readonly Route[] };

type ReadMetric = (input: MetricsInput) => Sample["values"];
type Kind = Pick<Sample, "type" | "aggregator">;

const COUNTER: Kind = { type: "counter", aggregator: "sum" };
const SUM: Kind = { type: "gauge", aggregator: "sum" };
/** A value that all processes share. If one lags, the worst counts. */
const WORST: Kind = { type: "gauge", aggregator: "max" };
const LEAST: Kind = { type: "gauge", aggregator: "min" };
const HISTOGRAM: Kind = { type: "histogram", aggregator: "sum" };

const metrics: Record<string, [help: string, kind: Kind, read: ReadMetric]> = {
  mintmark_tokens_issued_total: ["Access tokens issued.", COUNTER, ({ measures }) => by("procedure", measures.issued)],
  mintmark_tokens_verified_total: [
    "Token verifications by outcome, including introspection.",
    COUNTER,
    ({ measures }) => by("outcome", measures.verified),
  ],
  mintmark_revocations_total: ["Revocations by kind.", COUNTER, ({ measures }) => by("kind", measures.revoked)],
  mintmark_revocations_held: ["Unexpired revocations.", WORST, ({ measures }) => one(measures.held)],
  mintmark_trust_age_seconds: ["Age of the revocation data.", WORST, ({ measures }) => one(measures.trustAge)],
  mintmark_feed_followers: ["Connected followers of the trust events.", SUM, ({ measures }) => one(measures.followers)],
  mintmark_feed_lag_changes: [
    "Changes not yet sent to the slowest follower.",
    WORST,
    ({ measures }) => one(measures.behind),
  ],
  mintmark_keys: ["Keys by state.", WORST, ({ measures }) => by("state", measures.keys)],
  mintmark_signing_key_age_seconds: ["Age of the signing key.", WORST, ({ measures }) => one(measures.signingKey?.age)],
  mintmark_signing_key_remaining_seconds: [
    "Time until the signing key is replaced; negative if its rotation is overdue.",
    LEAST,
    ({ measures }) => one(measures.signingKey?.signsFor),
  ],
  mintmark_maintenance_failing: [
    "1 if the last run of a task failed, else 0.",
    WORST,
    tasks(({ error }) => (error === undefined ? 0 : 1)),
  ],
  mintmark_maintenance_failures_total: ["Failed runs of a task.", COUNTER, tasks(({ failures }) => failures)],
  mintmark_http_requests_total: ["HTTP requests by route and class of status.", COUNTER, requests],
  mintmark_store_duration_seconds: ["Duration of database calls.", HISTOGRAM, durations],
  mintmark_store_failures_total: [
    "Failed database calls.",
    COUNTER,
    ({ measures: { store } }) => [...store].map(([verb, { failures }]) => ({ value: failures, labels: { verb } })),
  ],
};

/** The metrics of one process. All label values are from closed lists. */
export function samplesOf(input: MetricsInput): Sample[] {
  return Object.entries(metrics).map(([name, [help, kind, read]]) => ({ name, help, ...kind, values: read(input) }));
}

function one(value: number | undefined): Sample["values"] {
  return value === undefined ? [] : [{ value, labels: {} }];
}

function by(label: string, values: Readonly<Record<string, number>>): Sample["values"] {
  return Object.entries(values).map(([name, value]) => ({ value, labels: { [label]: name } }));
}

function tasks(value: (state: TaskState) => number): ReadMetric {
  return ({ measures }) =>
    Object.entries(measures.tasks).map(([task, state]) => ({ value: value(state), labels: { task } }));
}

function requests({ routes }: MetricsInput): Sample["values"] {
  return routes.flatMap(({ name: route, answers }) =>
    answers.flatMap((value, digit) =>
      value === 0 ? [] : [{ value, labels: { route, status: digit === 0 ? "none" : `${digit}xx` } }],
    ),
  );
}

/** A cumulative histogram by store verb. */
function durations({ measures: { store } }: MetricsInput): Sample["values"] {
  const metricName = "mintmark_store_duration_seconds";
  return [...store].flatMap(([verb, { counts, sum }]) => {
    let count = 0;
    const buckets = [...TIME_BOUNDS, "+Inf"].map((le, at) => {
      count += counts[at] ?? 0;
      return { metricName: `${metricName}_bucket`, labels: { le, verb }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${metricName}_sum`, labels: { verb }, value: sum },
      { metricName: `${metricName}_count`, labels: { verb }, value: count },
    ];
  });
}

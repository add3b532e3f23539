import type { Metrics } from "../../service/operations/counters.ts";
import { TIME_BOUNDS } from "../../service/operations/instrument-store.ts";
import type { TaskState } from "../../service/operations/tasks.ts";
import type { Route } from "../routes.ts";

/** One metric of one process, in the form in which prom-client passes them from process to process. */
export type Sample = {
  name: string;
  help: string;
  type: string;
  /** How those of several processes are put together. */
  aggregator: string;
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
};

export type MetricsInput = { measures: Metrics; routes: readonly Route[] };

type ReadMetric = (seen: MetricsInput) => Sample["values"];
type Kind = Pick<Sample, "type" | "aggregator">;

const COUNTER: Kind = { type: "counter", aggregator: "sum" };
const SUM: Kind = { type: "gauge", aggregator: "sum" };
/** What all processes see alike; where one is behind, the worst of it counts. */
const WORST: Kind = { type: "gauge", aggregator: "max" };
const LEAST: Kind = { type: "gauge", aggregator: "min" };
const HISTOGRAM: Kind = { type: "histogram", aggregator: "sum" };

const metrics: Record<string, [help: string, kind: Kind, read: ReadMetric]> = {
  mintmark_tokens_issued_total: ["Access tokens issued.", COUNTER, ({ measures }) => by("procedure", measures.issued)],
  mintmark_tokens_verified_total: [
    "Tokens verified, introspection included, and what came of it.",
    COUNTER,
    ({ measures }) => by("outcome", measures.verified),
  ],
  mintmark_revocations_total: ["Revocations made.", COUNTER, ({ measures }) => by("kind", measures.revoked)],
  mintmark_revocations_held: ["Revocations that still matter.", WORST, ({ measures }) => one(measures.held)],
  mintmark_trust_age_seconds: [
    "How old what is known of the database is.",
    WORST,
    ({ measures }) => one(measures.trustAge),
  ],
  mintmark_feed_followers: ["Followers of the events.", SUM, ({ measures }) => one(measures.followers)],
  mintmark_feed_lag_changes: [
    "Changes that the follower most behind was not sent yet.",
    WORST,
    ({ measures }) => one(measures.behind),
  ],
  mintmark_keys: ["Keys that there are.", WORST, ({ measures }) => by("state", measures.keys)],
  mintmark_signing_key_age_seconds: [
    "For how long the present key has signed.",
    WORST,
    ({ measures }) => one(measures.signingKey?.age),
  ],
  mintmark_signing_key_remaining_seconds: [
    "For how long it is to sign yet; less than nothing where no other has taken its place in time.",
    LEAST,
    ({ measures }) => one(measures.signingKey?.signsFor),
  ],
  mintmark_maintenance_failing: [
    "Whether the last run of a task failed: 1 or 0.",
    WORST,
    tasks(({ error }) => (error === undefined ? 0 : 1)),
  ],
  mintmark_maintenance_failures_total: ["Runs of a task that failed.", COUNTER, tasks(({ failures }) => failures)],
  mintmark_http_requests_total: ["Requests answered.", COUNTER, requests],
  mintmark_store_duration_seconds: ["How long calls of the database took.", HISTOGRAM, durations],
  mintmark_store_failures_total: [
    "Calls of the database that failed.",
    COUNTER,
    ({ measures: { store } }) => [...store].map(([verb, { failures }]) => ({ value: failures, labels: { verb } })),
  ],
};

/** What there is to be told of what was seen in one process. All labels are of closed lists. */
export function samplesOf(seen: MetricsInput): Sample[] {
  return Object.entries(metrics).map(([name, [help, kind, read]]) => ({ name, help, ...kind, values: read(seen) }));
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

/** Of each verb: how many calls took at most as long as each bound, how many there were, and their time together. */
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

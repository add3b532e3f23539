import type { Worker } from "node:cluster";
import { withTimeout } from "../async/with-timeout.ts";
import { MintmarkError } from "../errors.ts";
import type { Sample } from "../http/metrics/metrics.ts";
import { mergeSamples, type ReadSamples, type ShareSamples } from "../http/metrics/metrics-endpoint.ts";
import type { Milliseconds } from "../time.ts";

/** A message of a worker: it requests the metrics of all, or sends its own. */
export type FromWorker = { wants: number } | { gives: Sample[]; to: number };
/** A message to a worker: it must send its own metrics, or here are those of all; without them where one process did not answer. */
type ToWorker = { give: number } | { all: Sample[][] | undefined; to: number };

/** How long another process may take to give its metrics, in milliseconds. */
const GATHER_TIMEOUT_MS: Milliseconds = 3000;

/** Makes a worker give its metrics to the first process, and get those of all from there. */
export function shareSamples(): ShareSamples {
  const { request, answer } = createQuestions<Sample[][] | undefined>(2 * GATHER_TIMEOUT_MS);
  const send = (message: FromWorker) => process.send?.(message, undefined, undefined, () => {});
  return (own) => {
    process.on("message", (message: ToWorker | string) => {
      if (typeof message === "string") return;
      if ("all" in message) answer(message.to, message.all);
      // Where the message cannot be sent, the request times out and reports that.
      else
        own().then(
          (gives) => send({ gives, to: message.give }),
          () => {},
        );
    });
    return async () => {
      const all = await request((wants) => send({ wants }));
      // A scrape without one process would look like a reset of its counters.
      if (all === undefined) throw new MintmarkError("unavailable");
      return all;
    };
  };
}

/** Gathers, in the first process, the metrics of all who serve and its own. */
export function gatherMetrics(serving: ReadonlySet<Worker>, own: ReadSamples) {
  const { request, answer } = createQuestions<Sample[]>(GATHER_TIMEOUT_MS);
  const latest = new Map<Worker, Sample[]>();
  let past: Sample[] = [];

  async function read(worker: Worker): Promise<Sample[]> {
    const samples = await request((give) => send(worker, { give }));
    if (serving.has(worker)) latest.set(worker, samples);
    return samples;
  }

  async function gather(): Promise<Sample[][]> {
    const present = await Promise.all([own(), ...[...serving].map(read)]);
    return [past, ...present];
  }

  return {
    receive(worker: Worker, message: FromWorker): void {
      if ("gives" in message) {
        answer(message.to, message.gives);
        return;
      }
      const reply = (all: Sample[][] | undefined) => send(worker, { all, to: message.wants });
      gather().then(reply, () => reply(undefined));
    },
    /** Keeps what a worker that has ended had counted, so that no sum ever falls. */
    async keep(worker: Worker): Promise<void> {
      const counted = latest.get(worker)?.filter(({ type }) => type !== "gauge");
      latest.delete(worker);
      if (counted === undefined) return;
      const both = await mergeSamples([past, counted]);
      past = (await both.getMetricsAsJSON()) as unknown as Sample[];
    },
  };
}

function send(worker: Worker, message: ToWorker): void {
  // One that is just ending need not know.
  worker.send(message, () => {});
}

/** Questions to another process, by their number. One that is not answered in time rejects. */
function createQuestions<Answer>(timeout: Milliseconds) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  return {
    request(put: (number: number) => void): Promise<Answer> {
      asked += 1;
      const number = asked;
      const answer = new Promise<Answer>((resolve) => {
        waiting.set(number, resolve);
        put(number);
      });
      return withTimeout(answer, timeout).finally(() => waiting.delete(number));
    },
    answer: (number: number, answer: Answer) => waiting.get(number)?.(answer),
  };
}

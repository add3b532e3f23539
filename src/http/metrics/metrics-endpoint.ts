import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Registry } from "prom-client";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { TokenService } from "../../service/service.ts";
import { errorCode } from "../../store/sqlite/data-directory.ts";
import type { Milliseconds } from "../../time.ts";
import type { PresentedCredentials } from "../../token/decode-basic.ts";
import { type AddressOf, credentialsOf } from "../request/client.ts";
import type { Document } from "../respond.ts";
import { type MetricsInput, type Sample, samplesOf } from "./metrics.ts";

/** Reads the metrics of one process. */
export type ReadSamples = () => Promise<Sample[]>;

/** Shares metrics where several processes serve one port: receives the reader of this process, and returns that of all. */
export type ShareSamples = (own: ReadSamples) => () => Promise<Sample[][]>;

/** Until the first sample, the event-loop delay is NaN. */
const FIRST_SAMPLE_MS: Milliseconds = 50;

/** Loaded at the first scrape: it is optional, and takes time and memory. */
const loadClient = async () => (await import("prom-client")).default;

/** Makes the reader of this process: the service's metrics, and prom-client's default metrics of Node and the process. */
export function createReader(measure: () => MetricsInput): ReadSamples {
  let defaults: Promise<Registry> | undefined;
  return async () => {
    defaults ??= collectDefaults();
    const ofProcess = await (await defaults).getMetricsAsJSON();
    return [...samplesOf(measure()), ...(ofProcess as unknown as Sample[])];
  };
}

/** Starts to measure the event loop and the garbage collector. */
async function collectDefaults(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await loadClient();
  const register = new Registry();
  collectDefaultMetrics({ register });
  await sleep(FIRST_SAMPLE_MS);
  return register;
}

/** Aggregates the metrics of several processes. */
export async function mergeSamples(all: readonly Sample[][]): Promise<Registry> {
  const { AggregatorRegistry } = await loadClient();
  // prom-client omits the start time of several processes: the first one counts.
  const samples = all.map((process) =>
    process.map((one) => (one.aggregator === "omit" ? { ...one, aggregator: "min" } : one)),
  );
  return AggregatorRegistry.aggregate(samples as unknown as object[]);
}

/** The document at `/metrics`; 501 without prom-client. */
export async function metricsDocument(read: () => Promise<Sample[][]>): Promise<Document> {
  try {
    const registry = await mergeSamples(await read());
    return { type: registry.contentType, body: await registry.metrics(), cacheControl: "no-store" };
  } catch (error) {
    if (!errorCode(error).endsWith("MODULE_NOT_FOUND")) throw error;
    const body = "The package prom-client is missing: npm install prom-client\n";
    return { status: 501, type: "text/plain; charset=utf-8", body, cacheControl: "no-store" };
  }
}

/**
 * Makes the check whether a request may read the metrics; it throws if not. While the database is down, the client that was
 * admitted last stays admitted: an outage is when metrics are needed.
 */
export function createAdmission(
  { authenticate, metrics }: Pick<TokenService, "authenticate" | "metrics">,
  addressOf: AddressOf,
): (request: IncomingMessage) => Promise<void> {
  let admitted: Buffer | undefined;
  return async (request) => {
    const credentials = credentialsOf(request);
    const presented = credentials && digest(credentials);
    try {
      await metrics.authorize(await authenticate(credentials, addressOf(request)));
      admitted = presented ?? admitted;
    } catch (error) {
      const wasAdmitted = presented && admitted && timingSafeEqual(presented, admitted);
      if (!wasAdmitted) throw error;
      if (error instanceof MintmarkError && OUTAGES.has(error.reason)) return;
      admitted = undefined;
      throw error;
    }
  };
}

/** Reasons that mean the database is down. */
const OUTAGES: ReadonlySet<Reason> = new Set(["unavailable", "internal_error"]);

function digest(credentials: PresentedCredentials): Buffer {
  return createHash("sha256").update(JSON.stringify(credentials)).digest();
}

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Registry } from "prom-client";
import { MintmarkError, type Reason } from "../../errors.ts";
import type { TokenService } from "../../service/service.ts";
import { errorCode } from "../../store/sqlite/data-directory.ts";
import type { PresentedCredentials } from "../../token/client-secret-basic.ts";
import { type AddressOf, credentialsOf } from "../request/client.ts";
import type { Document } from "../respond.ts";
import { type MetricsInput, type Sample, samplesOf } from "./metrics.ts";

/** Reads the metrics of this process. */
export type ReadSamples = () => Promise<Sample[]>;

/**
 * Where several processes serve one port: is handed what reads this one's metrics, for others to ask, and gives what reads
 * those of all.
 */
export type ShareSamples = (own: ReadSamples) => () => Promise<Sample[][]>;

/** How long the event loop is watched before it is told of for the first time, in milliseconds. */
const FIRST_LOOK = 50;

/** Loaded when somebody asks for the first time: it takes time and memory. */
const loadClient = async () => (await import("prom-client")).default;

/** Makes what reads the metrics of a process: our own, and those of Node and the process as prom-client has them. */
export function createReader(see: () => MetricsInput): ReadSamples {
  let watching: Promise<Registry> | undefined;
  return async () => {
    watching ??= watchProcess();
    const ofProcess = await (await watching).getMetricsAsJSON();
    return [...samplesOf(see()), ...(ofProcess as unknown as Sample[])];
  };
}

/** Watches the process from now on: its event loop, its garbage collector. */
async function watchProcess(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await loadClient();
  const register = new Registry();
  collectDefaultMetrics({ register });
  // Until something was seen of it, the delay of the event loop is no number.
  await sleep(FIRST_LOOK);
  return register;
}

/** Puts the metrics of processes together, as one list. */
export async function mergeSamples(all: readonly Sample[][]): Promise<Registry> {
  const { AggregatorRegistry } = await loadClient();
  // Those that prom-client leaves out where there are several: of the start of processes the first one tells.
  const told = all.map((samples) =>
    samples.map((one) => (one.aggregator === "omit" ? { ...one, aggregator: "min" } : one)),
  );
  return AggregatorRegistry.aggregate(told as unknown as object[]);
}

/** The document at `/metrics`, for Prometheus. */
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
 * Makes the judgement who may read the metrics, by throwing or not: as elsewhere here, but whoever was admitted last still
 * is while the database is away. Then the metrics are wanted most.
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
      if (error instanceof MintmarkError && FAILURES.has(error.reason)) return;
      admitted = undefined;
      throw error;
    }
  };
}

/** The database could not say who it is. */
const FAILURES: ReadonlySet<Reason> = new Set(["unavailable", "internal_error"]);

function digest({ clientId, clientSecret, asWritten }: PresentedCredentials): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([clientId, clientSecret, asWritten?.clientId, asWritten?.clientSecret]))
    .digest();
}

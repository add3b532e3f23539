import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenClient } from "../../src/client/client.ts";
import { MINTMARK, type Running, startContender } from "./contenders.ts";
import { fill } from "./full-database.ts";
import { inTables, type Table } from "./results.ts";
import { measureRounds } from "./rounds.ts";
import type { VerifierPlan, VerifierSize } from "./scale-verifier.ts";
import { progress, type Report, runChild } from "./support.ts";
import { tokensFor } from "./tokens.ts";

const FOLLOWERS = 1000;
const MEGABYTE = 1024 * 1024;

/**
 * A request to an empty server, to one with a million rows, to one with a thousand followers, and to two workers, all on
 * one processor; and the verifier that follows a server with a million revocations.
 */
export async function measure(): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const started: Running[] = [];
  const start = async (name: string, variables: Record<string, string> = {}) => {
    const running = await startContender(MINTMARK, variables);
    started.push(running);
    return { name, running };
  };
  try {
    await fill(join(folder, "data"));
    const began = performance.now();
    const full = await start("a million rows", { MINTMARK_DATA: join(folder, "data") });
    const startup = `${Math.round(performance.now() - began)} ms`;
    const verifier = await measureVerifier(full.running);
    const empty = await start("empty");
    const followed = await start(`${FOLLOWERS} followers`);
    const two = await start("two workers", { MINTMARK_WORKERS: "2" });
    const followers = await follow(followed.running);
    const tables = await measureBoth([empty, full, followed, two]);
    for (const follower of followers) follower.destroy();
    return inTables("scale", tables, { "start with a million revocations": startup, ...verifier });
  } finally {
    await Promise.all(started.map(({ stop }) => stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

type Named = { name: string; running: Running };

async function measureBoth(all: readonly Named[]): Promise<Table[]> {
  const verifying = [];
  for (const { name, running } of all) {
    const tokens = await tokensFor(running, 1);
    verifying.push({ name, running, requests: tokens.map(running.verify) });
  }
  const issuing = all.map(({ name, running }) => ({ name, running, requests: [running.issue()] }));
  return [
    { title: "verifyToken", unit: "tokens", rows: await measureRounds(verifying) },
    { title: "getToken", unit: "tokens", rows: await measureRounds(issuing) },
  ];
}

/** Opens feeds, and waits until each has received something. */
async function follow({ port }: Running): Promise<Socket[]> {
  const followers: Socket[] = [];
  while (followers.length < FOLLOWERS) {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /trpc/events HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nAccept: text/event-stream\r\n\r\n");
    await once(socket, "data");
    socket.resume();
    followers.push(socket);
  }
  progress(`${FOLLOWERS} followers`);
  return followers;
}

/** Time and memory of a verifier for a million revocations, and the latency of one more. */
async function measureVerifier({ port }: Running): Promise<Report> {
  const url = `http://127.0.0.1:${port}`;
  const sizes = await runChild<VerifierSize>("scale-verifier.ts", { url } satisfies VerifierPlan);
  const [empty, ...others] = sizes;
  const report = others.map(({ state, ms, heap, rss }): [string, string] => {
    const [more, moreRss] = [heap - (empty?.heap ?? 0), rss - (empty?.rss ?? 0)].map((bytes) => bytes / MEGABYTE);
    const memory = `${more?.toFixed(0)} MB of heap · ${moreRss?.toFixed(0)} MB resident`;
    return [`verifier of a million revocations, ${state}`, `${Math.round(ms)} ms · ${memory}`];
  });
  const client = createTokenClient({ url });
  const { token } = await client.getToken.query();
  const revokedAt = performance.now();
  await client.revokeToken.mutate({ token });
  return {
    ...Object.fromEntries(report),
    "one more revocation, acknowledged": `${(performance.now() - revokedAt).toFixed(1)} ms`,
  };
}

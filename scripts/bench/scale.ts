import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MINTMARK, type Running, startContender, tokensFor } from "./contenders.ts";
import { fill } from "./full-database.ts";
import { inTables, type Table } from "./results.ts";
import { progress, type Report } from "./support.ts";
import { takeTurns } from "./turns.ts";

const FOLLOWERS = 1000;

/**
 * What a request costs a server with next to nothing to do besides, one with a great deal in its database, one that
 * a thousand services follow, and one of two processes, on the one processor that all of them have.
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
    const empty = await start("empty");
    const full = await start("a million rows", { MINTMARK_DATA: join(folder, "data") });
    const followed = await start(`${FOLLOWERS} followers`);
    const two = await start("two workers", { MINTMARK_WORKERS: "2" });
    const followers = await follow(followed.running);
    const tables = await measureBoth([empty, full, followed, two]);
    for (const follower of followers) follower.destroy();
    return inTables("scale", tables);
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
    { title: "verifyToken", unit: "tokens", rows: await takeTurns(verifying) },
    { title: "getToken", unit: "tokens", rows: await takeTurns(issuing) },
  ];
}

/** Connects followers of the feed, and waits until each has heard something. */
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

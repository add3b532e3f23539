import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MINTMARK, ROOT, type Running, startContender } from "./contenders.ts";
import { machine, RESULTS } from "./results.ts";
import { load } from "./rounds.ts";
import { progress, type Report } from "./support.ts";
import { tokensFor } from "./tokens.ts";
import { usageOf } from "./usage.ts";

/** The compiled sources, one file each: in the programs of `dist` they have no names. */
const COMPILED = join(ROOT, ".cache/profile");
const SECRET = { MINTMARK_SECRET: "0123456789abcdef0123456789ABCDEF" };

/** Where the time of a frame belongs, by its URL; the first that matches. */
const PLACES: readonly (readonly [place: string, url: RegExp])[] = [
  ["Node: HTTP, sockets, streams, timers", /^node:(?!.*crypto)/],
  ["Node: signatures, digests, random numbers", /^node:.*crypto/],
  ["libsql: SQLite", /\/node_modules\/libsql\//],
  ["kysely: statements", /\/node_modules\/kysely\//],
  ["zod: schemas", /\/node_modules\/zod\//],
  ["other packages", /\/node_modules\//],
  ["src/http", /\/profile\/http\//],
  ["src/router", /\/profile\/router\//],
  ["src/service", /\/profile\/service\//],
  ["src/store", /\/profile\/store\//],
  ["src/token, src/keys, src/trust, src/verifier", /\/profile\/(token|keys|trust|verifier)\//],
  ["src/async and the rest", /\/profile\//],
];
const COLLECTOR = "garbage collection";
const NATIVE = "native code below no function: parser, event loop, system calls";
const OTHER_THREADS = "other threads: the profiler, garbage collection, compilation, syncs of the log";

/** Microseconds of a call, by place. */
type Breakdown = { name: string; total: number; byPlace: Map<string, number> };

/**
 * Where the processor time of a call goes: samples of the thread with the event loop, in the function that runs, and what
 * other threads take.
 */
export async function measure(): Promise<Report> {
  compile();
  const all = [
    await profile("getToken, ES256", {}, (server) => server.issue()),
    await profile("getToken, HS256", SECRET, (server) => server.issue()),
    await profile("verifyToken, ES256", {}, verifyOne),
  ];
  const places = [...PLACES.map(([place]) => place), COLLECTOR, NATIVE, OTHER_THREADS];
  const cell = ({ total, byPlace }: Breakdown, place: string) => {
    const time = byPlace.get(place) ?? 0;
    return `${time.toFixed(1)} µs · ${((100 * time) / total).toFixed(0)} %`;
  };
  const rows = places.map((place) => [place, ...all.map((one) => cell(one, place))]);
  const head = ["", ...all.map(({ name }) => name)];
  const totals = ["a call", ...all.map(({ total }) => `${total.toFixed(1)} µs`)];
  const lines = [head, head.map(() => "---"), totals, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const text = `# profile\n\n\`npm run bench -- profile\` on ${machine}: processor time of a call, one at a time on 32 connections.\n\n${lines.join("\n")}\n`;
  writeFileSync(join(RESULTS, "profile.md"), text);
  return Object.fromEntries(rows.map(([place = "", ...cells]) => [place, cells.join("   ")]));
}

async function verifyOne(server: Running): Promise<string> {
  const [token = ""] = await tokensFor(server, 1);
  return server.verify(token);
}

function compile(): void {
  rmSync(COMPILED, { recursive: true, force: true });
  cpSync(join(ROOT, "dist"), COMPILED, { recursive: true });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "src", "--outDir", COMPILED], { cwd: ROOT });
}

async function profile(
  name: string,
  env: Record<string, string>,
  requestTo: (server: Running) => string | Promise<string>,
): Promise<Breakdown> {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-profile-"));
  const flags = ["--cpu-prof", "--cpu-prof-interval", "500", "--cpu-prof-dir", folder];
  const command = [process.execPath, ...flags, join(COMPILED, "program/main.js")];
  const server = await startContender({ ...MINTMARK, command }, env);
  let before = usageOf(server.pid);
  let from = now();
  const plan = { port: server.port, connections: 32, seconds: 12, warmup: 4, requests: [await requestTo(server)] };
  const { answered } = await load(plan, () => {
    before = usageOf(server.pid);
    from = now();
  });
  const [after, until] = [usageOf(server.pid), now()];
  await server.stop();
  const shares = sharesIn(folder, from, until);
  rmSync(folder, { recursive: true });
  progress(name);
  const mainThread = (after.mainThread - before.mainThread) / answered;
  const total = (after.cpu - before.cpu) / answered;
  const byPlace = new Map([...shares].map(([place, share]) => [place, share * mainThread]));
  return { name, total, byPlace: byPlace.set(OTHER_THREADS, total - mainThread) };
}

/** The clock of V8's samples, in microseconds. */
const now = () => Number(process.hrtime.bigint() / 1000n);

type Node = { id: number; callFrame: { functionName: string; url: string }; children?: number[] };
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[]; startTime: number };

/** The shares of places in the samples of a time, without idle ones. Of the files in the folder, that of the main thread has the most. */
function sharesIn(folder: string, from: number, until: number): Map<string, number> {
  const profiles = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile);
  const counts = profiles.map((one) => countPlaces(one, from, until));
  const sumOf = (places: Map<string, number>) => [...places.values()].reduce((sum, time) => sum + time, 0);
  const [main = new Map<string, number>()] = counts.sort((one, other) => sumOf(other) - sumOf(one));
  const sum = sumOf(main);
  return new Map([...main].map(([place, time]) => [place, time / sum]));
}

function countPlaces({ nodes, samples, timeDeltas, startTime }: Profile, from: number, until: number) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const placeOf = (id: number): string | undefined => {
    for (let node = byId.get(id); node !== undefined; node = byId.get(parents.get(node.id) ?? -1)) {
      const { functionName, url } = node.callFrame;
      if (functionName === "(idle)") return undefined;
      if (functionName === "(garbage collector)") return COLLECTOR;
      // A native function has no URL: its caller has one.
      const place = PLACES.find(([, pattern]) => pattern.test(url))?.[0];
      if (place !== undefined) return place;
    }
    return NATIVE;
  };
  const times = new Map<string, number>();
  let at = startTime;
  for (const [index, sample] of samples.entries()) {
    const time = timeDeltas[index] ?? 0;
    at += time;
    const place = at > from && at < until ? placeOf(sample) : undefined;
    if (place !== undefined) times.set(place, (times.get(place) ?? 0) + time);
  }
  return times;
}

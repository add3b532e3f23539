import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { publish, type Script, startFeed } from "../support/feed.ts";
import { openPairForge, type PairForge } from "../support/forge.ts";
import { follow, healthy } from "../support/verifier.ts";

const ENTRY = join(import.meta.dirname, "../../dist/verifier/verifier.js");

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

/** Runs a program with a `verifier` in another process, and returns its output when it ends by itself. */
async function run(options: object, program: string): Promise<string> {
  const source = `
    import { createVerifier } from ${JSON.stringify(ENTRY)};
    const verifier = createVerifier(${JSON.stringify({ issuer: "http://issuer", audience: "a", ...options })});
    ${program}
    process.on("exit", () => console.log(process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap").join()));
  `;
  const args = ["--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 });
  return stdout.trim();
}

// Much of it is waiting: a kept connection ends by itself after four seconds.
describe.concurrent("a verifier that is closed", () => {
  it.for<[string, Script]>([
    ["live", (connection) => healthy(by)(connection)],
    ["waiting for an answer", () => {}],
    ["waiting for its next attempt", ({ refuse }) => refuse(503, { "retry-after": "30" })],
  ])("leaves no connection while %s", async ([, script], { expect }) => {
    await using followed = await follow([script]);
    const { feed, verifier } = followed;
    await expect.poll(() => feed.connections.length).toBe(1);
    verifier.close();
    verifier[Symbol.dispose]();
    await expect.poll(feed.openSockets, { timeout: 6000 }).toBe(0);
    expect([verifier.state, feed.connections.length]).toEqual(["closed", 1]);
  });

  it.each<[string, Script]>([
    ["live", (connection) => healthy(by)(connection)],
    ["without a service", ({ refuse }) => refuse(503, { "retry-after": "30" })],
  ])("lets its process end when it was %s", async (_, script) => {
    await using feed = await startFeed(script);
    const program = "setTimeout(() => verifier.close(), 300);";
    const began = performance.now();
    expect(await run({ url: feed.url }, program)).toBe("");
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("does not keep its process alive where it does not follow the feed", async () => {
    await using feed = await startFeed();
    feed.answer.jwks = publish([]);
    expect(await run({ url: feed.url, follow: false }, "await verifier.ready;")).toBe("");
  });

  it("keeps its process alive while `ready` is pending", async () => {
    await using feed = await startFeed(({ refuse }) => refuse(503), healthy(by));
    expect(await run({ url: feed.url }, "await verifier.ready; console.log(verifier.state); verifier.close();")).toBe(
      "live",
    );
  });
});

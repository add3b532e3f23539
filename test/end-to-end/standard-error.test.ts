import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { startInVain, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

const lines = (stderr: string) =>
  stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** On one signal, emits a warning of Node; on another, throws an error. */
const PRELOADED = `
  process.on("SIGUSR2", () => process.emitWarning("a canary of a warning", { type: "DeprecationWarning", code: "DEP0" }));
  process.on("SIGHUP", () => { throw Object.assign(new TypeError("canary"), { code: "E_CODE" }); });`;

it("a server writes only JSON to standard error unless that is a terminal", async () => {
  using folder = temporaryFolder();
  const script = join(folder.path, "preloaded.cjs");
  writeFileSync(script, PRELOADED);
  const NODE_OPTIONS = `--require ${script}`;
  await using server = await startServer({ PORT: "0", MINTMARK_DATA: join(folder.path, "data"), NODE_OPTIONS });
  process.kill(server.pid ?? 0, "SIGUSR2");
  await vi.waitFor(() => expect(server.stderr()).toContain("DeprecationWarning"), { timeout: 20_000 });
  const { code, stderr } = await server.stop("SIGHUP");
  expect(code).toBe(1);
  expect(lines(stderr)).toEqual([
    expect.objectContaining({ level: 30 }),
    expect.objectContaining({ level: 40, warning: "DeprecationWarning", code: "DEP0", msg: "a canary of a warning" }),
    expect.objectContaining({ level: 60, error: expect.objectContaining({ type: "TypeError", code: "E_CODE" }) }),
  ]);
});

it("a server that cannot start writes warnings of drivers as JSON too, at any log level", async () => {
  const DATABASE_URL = "postgres://user:canary@127.0.0.1:9/db?sslmode=require";
  const environment = { PORT: "0", DATABASE_URL, MINTMARK_KEK: "none", MINTMARK_LOG_LEVEL: "error" };
  const { code, stdout, stderr } = await startInVain(environment);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(lines(stderr).at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining("(ECONNREFUSED)") });
  expect(stderr).not.toContain("canary");
});

import fs, { rmSync, statSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { FILE, openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { readPosition } from "../chaos/write-ahead-log.ts";
import { openService, temporaryFolder } from "../support/service.ts";
import { issueGrant } from "../support/with-client.ts";
import { everyVerb } from "./every-verb.ts";
import { records } from "./samples.ts";

/** The disk of this machine, and what happens at the start of each sync. Where it is slow, syncs wait. */
const disk = {
  onSync: () => {},
  waiting: [] as (() => void)[],
  isSlow: false,
  failure: undefined as Error | undefined,
};

const { fdatasync } = fs;

function syncLater(descriptor: number, done: (error: Error | null) => void): void {
  if (disk.failure !== undefined) return void done(disk.failure);
  disk.onSync();
  const sync = () => fdatasync(descriptor, done);
  if (disk.isSlow) disk.waiting.push(sync);
  else sync();
}

function replaceSync(by: (descriptor: number, done: (error: Error | null) => void) => void): void {
  Object.assign(fs, { fdatasync: by });
  syncBuiltinESMExports();
}

beforeAll(() => replaceSync(syncLater));
afterAll(() => replaceSync(fdatasync));

async function openWithLog() {
  const folder = temporaryFolder();
  const log = join(folder.path, `${FILE}-wal`);
  const store = await openSqliteStore(folder.path);
  let synced = readPosition(log);
  disk.onSync = () => {
    synced = readPosition(log);
  };
  return {
    store,
    folder: folder.path,
    log,
    synced: () => synced,
    async [Symbol.asyncDispose]() {
      Object.assign(disk, { isSlow: false, failure: undefined, onSync: () => {} });
      for (const sync of disk.waiting.splice(0)) sync();
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

/** A checkpoint is due at 8 MB; writers go on while it runs. */
const MAX_LOG_BYTES = 16_000_000;

const isRefused = (work: Promise<unknown>) => expect(work).rejects.toEqual(new MintmarkError("unavailable"));
const append = (store: Store) => store.appendAudit(records(1));

describe("the embedded store", () => {
  it("resolves each method when all that it wrote is on the disk", async () => {
    await using opened = await openWithLog();
    const writing = [];
    for (const [name, verb] of Object.entries(await everyVerb(opened.store))) {
      const before = readPosition(opened.log);
      await verb().catch(() => {});
      const after = readPosition(opened.log);
      if (after?.bytes !== before?.bytes) writing.push(name);
      expect([name, opened.synced()]).toEqual([name, after]);
    }
    expect(writing).toEqual(expect.arrayContaining(["appendAudit", "addClient", "revoke", "addGrant", "addToCounts"]));
  });

  it("answers nothing that it wrote while the disk writes, and reads meanwhile", async () => {
    await using opened = await openWithLog();
    disk.isSlow = true;
    let isAppended = false;
    const appended = append(opened.store).then(() => {
      isAppended = true;
    });
    await vi.waitFor(() => expect(disk.waiting).toHaveLength(1));
    expect((await opened.store.listAudit({ limit: 1 })).length).toBe(1);
    await sleep(20);
    expect(isAppended).toBe(false);
    disk.waiting.shift()?.();
    await appended;
  });

  it("syncs the log once for all methods that wrote in one turn", async () => {
    await using opened = await openWithLog();
    let syncs = 0;
    disk.onSync = () => {
      syncs += 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => append(opened.store)));
    expect(syncs).toBe(1);
  });

  it("acknowledges nothing more once a sync has failed, until it is opened again", async () => {
    await using opened = await openWithLog();
    disk.failure = Object.assign(new Error(), { code: "EIO" });
    await isRefused(append(opened.store));
    disk.failure = undefined;
    await isRefused(append(opened.store));
    await isRefused(opened.store.checkWritable(1));
    await expect(opened.store.position()).resolves.toHaveProperty("sequence");
    const again = await openSqliteStore(opened.folder, { shared: true });
    await expect(append(again)).resolves.toBeUndefined();
    await again.close();
  });

  it("revokes a refresh token a second time only when its revocation is on the disk", async () => {
    await using opened = await openService();
    const { service } = opened;
    const { refreshToken = "" } = await issueGrant(service, localCaller);
    disk.isSlow = true;
    const ended: string[] = [];
    const revoke = (name: string) => service.revokeToken(localCaller, refreshToken).then(() => ended.push(name));
    const first = revoke("first");
    await vi.waitFor(() => expect(disk.waiting).toHaveLength(1));
    const second = revoke("second");
    await sleep(50);
    const early = [...ended];
    disk.isSlow = false;
    for (const sync of disk.waiting.splice(0)) sync();
    await Promise.all([first, second]);
    expect(early).toEqual([]);
  });

  it("completes the calls in flight before it closes", async () => {
    await using opened = await openWithLog();
    const appended = append(opened.store);
    await opened.store.close();
    await expect(appended).resolves.toBeUndefined();
  });

  it("moves the log into the database while it runs, so that the log does not grow without end", async () => {
    await using opened = await openWithLog();
    disk.onSync = () => {};
    for (let at = 0; at < 120; at += 1) await opened.store.appendAudit(records(1000));
    expect(statSync(join(opened.folder, FILE)).size).toBeGreaterThan(4_000_000);
    expect(statSync(opened.log).size).toBeLessThan(MAX_LOG_BYTES);
  });

  it("moves the log into the database when many processes have written a little each, none of which closes it", async () => {
    await using opened = await openWithLog();
    const stores: Store[] = [];
    disk.onSync = () => {};
    for (let at = 0; at < 6; at += 1) {
      const store = await openSqliteStore(opened.folder, { shared: true });
      stores.push(store);
      for (let commit = 0; commit < 300; commit += 1) await append(store);
    }
    const { size } = statSync(opened.log);
    await Promise.all(stores.map((store) => store.close()));
    expect(size).toBeLessThan(MAX_LOG_BYTES);
  });

  it("creates no file in the place of a database that was deleted", async () => {
    await using opened = await openWithLog();
    const file = join(opened.folder, FILE);
    rmSync(file);
    for (let at = 0; at < 4; at += 1) await isRefused(opened.store.appendAudit(records(1000)));
    await sleep(50);
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  });
});

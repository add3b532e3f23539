import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blockOf } from "./support/guide.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const KINDS = { dependencies: "dependency", peerDependencies: "peer", optionalDependencies: "optional" };

it("every package that is there at run time has its kind and its reason in docs/dependencies.md, and no other has", () => {
  const manifest = JSON.parse(read("package.json"));
  const rows = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` \| (\w+) \| (.{10,}) \|$/gm)];
  const wanted = Object.entries(KINDS).flatMap(([field, kind]) =>
    Object.keys(manifest[field]).map((name) => `${name}: ${kind}`),
  );
  expect(rows.map(([, name, kind]) => `${name}: ${kind}`).sort()).toEqual(wanted.sort());
});

it("every package that is bundled is named in docs/dependencies.md, and no other is", () => {
  const licensed = [...read("dist/bin/LICENSES.txt").matchAll(/^(\S+) \d+\.\d+\.\d+\S* \(.+\)$/gm)];
  const named = blockOf("docs/dependencies.md", "", "@pinojs/redact").trim().split(/\s+/);
  expect(named).toEqual([...new Set(licensed.map(([, name]) => name))].sort());
});

it("no package that is there at run time runs a script when it is installed", () => {
  const { packages } = JSON.parse(read("package-lock.json"));
  const scripted = Object.entries<{ dev?: boolean; hasInstallScript?: boolean }>(packages);
  expect(scripted.filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev).map(([name]) => name)).toEqual(
    [],
  );
});

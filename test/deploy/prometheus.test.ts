import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addClient } from "../support/clients.ts";
import { ROOT } from "../support/documents.ts";
import { replaceAll } from "../support/guide.ts";
import { readYaml } from "../support/manifests.ts";
import { scrape } from "../support/metrics.ts";
import { testWith } from "../support/optional.ts";
import { hasPrometheus, startPrometheus } from "../support/prometheus.ts";
import { call } from "../support/request.ts";
import { openServer, temporaryFolder } from "../support/service.ts";

const FOLDER = join(ROOT, "deploy/prometheus");

type Rule = { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> };
type Panel = {
  id: number;
  gridPos: Record<"x" | "y" | "w" | "h", number>;
  title: string;
  type: string;
  targets?: { expr: string }[];
};

const { groups } = readYaml<{ groups: { rules: Rule[] }[] }>("deploy/prometheus/alerts.yaml");
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(ROOT, "deploy/grafana/mintmark.json"), "utf8"));
const panels: Panel[] = dashboard.panels;
const queries: string[] = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }: { expr: string }) => expr),
];

/** The labels that Prometheus adds to each sample that it scrapes. */
const ADDED = ["job", "instance"];
/** What a service that has just started has no sample of. */
const RARE = /status="5xx"|> 0$/;

/** Issues and verifies a token, so that every counter is there. */
async function useService(url: string): Promise<void> {
  const { data } = await call(url, "getToken", {});
  await call(url, "verifyToken", { token: (data as { token: string }).token });
}

/** The names of metrics in a query, and the labels by which it selects and groups. */
function namesIn(query: string): { metrics: string[]; labels: string[] } {
  const matchers = [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(","));
  const groupings = [...query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", "));
  return {
    metrics: query.match(/\b(?:mintmark|nodejs|process)_\w+(?=[{[])/g) ?? [],
    labels: [...matchers.map((matcher) => matcher.replace(/[=!].*/s, "")), ...groupings],
  };
}

describe("the alert rules and the dashboard", () => {
  it("name metrics and labels that a server has", async () => {
    await using server = await openServer();
    await useService(server.url);
    const series = [...(await scrape(server.url)).values.keys()];
    for (const query of [...rules.map(({ expr }) => expr), ...queries]) {
      const { metrics, labels } = namesIn(query);
      if (!query.includes("up{")) expect(metrics, query).not.toEqual([]);
      for (const metric of metrics)
        expect(
          series.some((one) => one.split("{")[0] === metric),
          metric,
        ).toBe(true);
      const ofThese = series.filter((one) => metrics.includes(one.split("{")[0] ?? ""));
      for (const label of labels.filter((name) => !ADDED.includes(name)))
        expect(
          ofThese.some((one) => one.includes(`${label}="`)),
          `${label} in ${query}`,
        ).toBe(true);
    }
  });

  it("tell a reader of each alert how bad it is and what to do", () => {
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Mintmark[A-Z]\w+$/);
      expect(labels.severity).toMatch(/^(critical|warning)$/);
      expect(Object.keys(annotations)).toEqual(["summary", "description"]);
    }
    const tests = readFileSync(join(FOLDER, "alerts_test.yaml"), "utf8");
    for (const { alert } of rules) expect(tests).toContain(`alertname: ${alert}`);
  });

  it("has panels of different ids that do not overlap, each with a query but for rows", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, targets = [] } of panels) expect(targets.length > 0, title).toBe(type !== "row");
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });

  it("uses the variables that it defines, and those of Grafana", () => {
    const defined: string[] = dashboard.templating.list.map(({ name }: { name: string }) => name);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
    expect([...new Set(used)].sort()).toEqual([...defined, "__all", "__rate_interval"].sort());
  });
});

const testPrometheus = testWith({
  program: "prometheus",
  found: hasPrometheus,
  required: process.env.MINTMARK_TEST_PROMETHEUS === "required",
});

describe("Prometheus", () => {
  testPrometheus("finds that each alert is raised when it should be, and not otherwise", async () => {
    const tested = spawnSync("promtool", ["test", "rules", "alerts_test.yaml"], { cwd: FOLDER, encoding: "utf8" });
    expect(`${tested.stdout}${tested.stderr}`).toContain("SUCCESS");
    expect(tested.status).toBe(0);
  });

  testPrometheus(
    "scrapes a server as a client, loads the rules, and answers every query of the dashboard",
    async () => {
      await using server = await openServer({ open: false });
      using folder = temporaryFolder();
      const { clientId, clientSecret } = await addClient(server.service, { permissions: ["read_metrics"] });
      const [config, secret] = ["prometheus.yml", "secret"].map((name) => join(folder.path, name)) as [string, string];
      writeFileSync(secret, clientSecret);
      cpSync(join(FOLDER, "alerts.yaml"), join(folder.path, "alerts.yaml"));
      const places = {
        "_interval: 15s": "_interval: 1s",
        "00000000-0000-0000-0000-000000000000": clientId,
        "/run/secrets/prometheus-client-secret": secret,
        '["mintmark-1:3000", "mintmark-2:3000"]': JSON.stringify([new URL(server.url).host]),
      };
      writeFileSync(config, replaceAll(readFileSync(join(FOLDER, "prometheus.yml"), "utf8"), places));
      await using prometheus = await startPrometheus(folder.path, config);
      for (const query of queries) {
        const variables = { $job: "mintmark", $instance: ".*", $__rate_interval: "1m" };
        const text = Object.entries(variables).reduce((done, [name, value]) => done.replaceAll(name, value), query);
        if (RARE.test(query)) await prometheus.query(text);
        else await expect.poll(() => prometheus.query(text), { timeout: 30_000 }).not.toEqual([]);
      }
      const up = async () => (await prometheus.query("up")).map(({ value }) => value[1]);
      await expect.poll(up, { timeout: 30_000 }).toEqual(["1"]);
      const loaded = await prometheus.rules();
      expect(loaded.map(({ name }) => name).sort()).toEqual(rules.map(({ alert }) => alert).sort());
      for (const rule of loaded) expect(rule).toMatchObject({ health: "ok" });
    },
  );

  testPrometheus("finds no fault in the metrics of the service", async () => {
    await using server = await openServer();
    await useService(server.url);
    const { text } = await scrape(server.url);
    const lint = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect(`${lint.stdout}${lint.stderr}`).not.toMatch(/mintmark_|error/i);
  });
});

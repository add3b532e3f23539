import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { Service } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { readConfig } from "../../src/program/config.ts";
import { imageConfig } from "../support/dockerfile.ts";
import { ROOT } from "../support/documents.ts";
import { FOLDER, type Manifest, readManifests, typeErrors } from "../support/manifests.ts";
import { testWith } from "../support/optional.ts";
import { openServer, temporaryFolder } from "../support/service.ts";

const SECRETS = {
  kek: Buffer.alloc(32, 7).toString("base64"),
  "admin-secret": "a-secret-of-more-than-32-bytes-in-length",
  "database-url": "postgres://mintmark:secret@db.internal/mintmark",
};

const manifests = readManifests();
/** What the tests read of a manifest is there: a missing part fails them. */
type Whole<Type> = Type extends object ? { [Key in keyof Type]-?: Whole<Type[Key]> } : Type;
const read = <Type>(kind: string) => manifests.get(kind) as unknown as Whole<Type>;
const deployment = read<Deployment>("Deployment").spec;
const pod = deployment.template.spec;
const [container] = pod.containers;
if (container === undefined) throw new Error("the Deployment has no container");

describe("the Kubernetes manifests", () => {
  it("are of the types of the Kubernetes API, in which a misspelt field is found", () => {
    expect([...manifests.keys()].sort()).toEqual(
      ["Deployment", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Service"].sort(),
    );
    expect(typeErrors(manifests.values())).toBe("");
    const misspelt = JSON.parse(JSON.stringify(read("Deployment")).replace("readinessProbe", "readynessProbe"));
    expect(typeErrors([misspelt as Manifest])).toMatch(
      /^\S+ error TS2353: .*readynessProbe.* does not exist in type 'Container'/,
    );
  });

  it("probe paths that a server answers, on the port that it listens on", async () => {
    await using server = await openServer();
    const { startupProbe, readinessProbe, livenessProbe, ports } = container;
    const probes = [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet);
    expect(probes.map(({ path }) => path)).toEqual(["/healthz", "/readyz", "/healthz"]);
    for (const { path, port } of probes) {
      expect((await fetch(server.url + path)).status).toBe(200);
      expect(port).toBe(ports[0]?.name);
    }
    expect(read<Service>("Service").spec.ports[0]?.targetPort).toBe(ports[0]?.name);
    expect(ports[0]?.containerPort).toBe(readConfig({}).port);
  });

  it("give an environment that the server takes, with secrets from files, and time to stop", () => {
    using folder = temporaryFolder();
    for (const [name, content] of Object.entries(SECRETS)) writeFileSync(join(folder.path, name), content);
    const { mountPath, name } = container.volumeMounts[0] ?? {};
    const set = container.env.map((variable) => {
      if (!variable.name.endsWith("_FILE")) return [variable.name, variable.value];
      expect(dirname(variable.value)).toBe(mountPath);
      return [variable.name, join(folder.path, basename(variable.value))];
    });
    const config = readConfig({ ...imageConfig().environment, ...Object.fromEntries(set) });
    expect(config).toMatchObject({ host: "0.0.0.0", access: "clients", databaseUrl: SECRETS["database-url"] });
    expect([config.kek?.length, config.adminSecret]).toEqual([32, SECRETS["admin-secret"]]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(config.drain + 15);
    const [volume] = pod.volumes;
    expect(volume).toEqual({ name, secret: { secretName: "mintmark", defaultMode: 0o440 } });
  });

  it("run as the image's user, without any right, on a read-only root", () => {
    const [user, group] = imageConfig().user.split(":").map(Number);
    expect(pod.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: group,
      fsGroup: group,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });

  it("select the Pods of the Deployment, two of which are never evicted at once", () => {
    const { labels } = deployment.template.metadata;
    const budget = read<PodDisruptionBudget>("PodDisruptionBudget").spec;
    const selectors: Pick<LabelSelector, "matchLabels">[] = [
      deployment.selector,
      budget.selector,
      read<NetworkPolicy>("NetworkPolicy").spec.podSelector,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector),
      { matchLabels: read<Service>("Service").spec.selector },
    ];
    for (const { matchLabels } of selectors) expect(matchLabels).toEqual(labels);
    expect(deployment.replicas - Number(budget.maxUnavailable)).toBeGreaterThanOrEqual(1);
  });

  const kubectl = spawnSync("kubectl", ["kustomize", FOLDER], { cwd: ROOT, encoding: "utf8" });
  const testKubectl = testWith({ program: "kubectl", found: kubectl.error === undefined, required: false });
  testKubectl("are built by kubectl into one namespace, of the API's types still", async () => {
    expect(kubectl).toMatchObject({ status: 0, stderr: "" });
    const built = parseAllDocuments(kubectl.stdout).map((document) => document.toJS());
    expect(built).toHaveLength(manifests.size);
    for (const { kind, metadata } of built) if (kind !== "Namespace") expect(metadata.namespace).toBe("mintmark");
    expect(typeErrors(built)).toBe("");
    expect(kubectl.stdout).toContain("image: registry.example/mintmark:0.1.0");
  });
});

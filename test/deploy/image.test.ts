import { join } from "node:path";
import { validate } from "dockerfile-utils";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { settings } from "../../src/program/settings.ts";
import { dockerfile, imageConfig, stages } from "../support/dockerfile.ts";
import { ROOT } from "../support/documents.ts";
import { buildImage, includedPaths } from "../support/image.ts";
import { canMountLayers } from "../support/layers.ts";
import { testWith } from "../support/optional.ts";
import { freePort } from "../support/process.ts";

/** With `npm ci` and the build, which take a minute and the network. */
const COMPLETE = process.env.MINTMARK_TEST_IMAGE === "all";

const SECRET = "a-secret-of-at-least-32-characters";

describe("the Dockerfile", () => {
  it("is one in which a linter finds no fault", () => {
    expect(validate(dockerfile)).toEqual([]);
  });

  it("builds and runs on one release line of Node with long-term support", () => {
    const bases = new Set(stages().map(({ base }) => base));
    expect([...bases]).toEqual([expect.stringMatching(/^node:\d*[02468]-[a-z]+-slim$/)]);
  });

  it("sets no secret, and only variables that the server has", () => {
    const { NODE_ENV, ...variables } = imageConfig().environment;
    expect(NODE_ENV).toBe("production");
    for (const name of Object.keys(variables))
      expect(settings[name as keyof typeof settings]).not.toHaveProperty("fromFile");
    for (const name of Object.keys(variables)) expect(Object.keys(settings)).toContain(name);
    expect(dockerfile).not.toMatch(/^ARG (?!NODE=)/m);
  });

  it("runs as a numeric user who is not root, with the server as the first process", () => {
    const { user, stopSignal, command, volume } = imageConfig();
    expect(user).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    expect({ stopSignal, command }).toEqual({ stopSignal: "SIGTERM", command: ["node", "/app/dist/bin/main.js"] });
    expect(imageConfig().environment.MINTMARK_DATA).toBe(volume);
  });

  it("copies all that the build is made of", async () => {
    const { metafile } = await build({
      entryPoints: [join(ROOT, "scripts/build.ts")],
      absWorkingDir: ROOT,
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      packages: "external",
    });
    const [first] = stages();
    const copied = first?.steps.flatMap((step) => (step.do === "copy" ? step.sources : [])) ?? [];
    const parts = [...Object.keys(metafile.inputs), "package.json", "package-lock.json", "tsconfig.json", "src"];
    for (const part of parts) expect(copied).toContain(part);
    for (const path of copied) expect(includedPaths()).toContain(path);
  });

  it("is given the sources and nothing that may hold a secret", () => {
    expect(includedPaths()).toContain("src");
    for (const path of includedPaths())
      expect(path).toMatch(/^(src|package(-lock)?\.json|tsconfig\.json|LICENSE|scripts\/\w+\.ts)$/);
  });
});

const testImage = testWith({ program: "unshare with the rights of root", found: canMountLayers(), required: false });

describe("the image, on this machine's root file system", () => {
  testImage(
    "starts without rights on a read-only root, is healthy, and ends on SIGTERM",
    async () => {
      using image = buildImage({ complete: COMPLETE });
      const { healthCheck } = imageConfig();
      const environment = {
        PORT: await freePort(),
        MINTMARK_ISSUER: "https://tokens.example",
        MINTMARK_ADMIN_SECRET: SECRET,
      };
      expect(image.run(healthCheck, environment).status).toBe(1);
      await using container = image.start(environment);
      await container.origin;
      expect(image.run(healthCheck, environment).status).toBe(0);
      const url = `http://127.0.0.1:${environment.PORT}`;
      for (const path of ["/", "/docs", "/start.js", "/readyz"]) expect((await fetch(url + path)).status).toBe(200);
      expect(image.run(["touch", "/app/x", "/tmp/x", "/x"]).stderr.match(/Read-only file system/g)).toHaveLength(3);
      const add = ["mintmark", "clients", "add", "prometheus", "--permissions", "read_metrics"];
      expect(image.run(add, environment).stdout).toMatch(/^client secret {2}\S+$/m);
      container.signal("SIGTERM");
      expect(await container.ended).toMatchObject({ code: 0 });
      expect(image.run(["ls", "/data"]).stdout).toContain("mintmark.db");
    },
    COMPLETE ? 600_000 : 60_000,
  );
});

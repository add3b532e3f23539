import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Caller, localCaller } from "../../../src/service/access/caller.ts";
import type { DeviceStep } from "../../../src/service/authorization/device.ts";
import type { Browser, Cookies, Person } from "../../../src/service/authorization/step.ts";
import type { NewClient } from "../../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../../src/service/service.ts";
import { addClient } from "../../support/clients.ts";
import { addResource, MCP } from "../../support/resources.ts";
import { ISSUER, NOW, type OpenOptions, openService } from "../../support/service.ts";

const TV: Partial<NewClient> = {
  name: "TV",
  authMethod: "none",
  grants: ["device_code", "refresh_token"],
  scopes: ["orders:read", "tools:read"],
  audiences: [MCP],
};

function requirePeople({ devices, signIns }: Pick<TokenService, "devices" | "signIns">) {
  if (devices === undefined || signIns === undefined) throw new Error("The service signs nobody in");
  return { devices, signIns };
}

/** A service with a device, and browsers to sign in by. */
async function openDevice(fields: Partial<NewClient> = {}, options: OpenOptions = {}) {
  const opened = await openService({ open: false, ...options });
  const { service } = opened;
  const { devices, signIns } = requirePeople(service);
  const callerFor = async (client: Partial<NewClient>): Promise<Caller> => {
    const { clientId, clientSecret } = await addClient(service, client);
    const secret = { method: "client_secret_basic", clientId, clientSecret } as const;
    return service.authenticate(clientSecret === "" ? { method: "none", clientId } : secret, "203.0.113.9");
  };
  const caller = await callerFor({ ...TV, ...fields });

  /** A browser with its cookies. */
  function openBrowser(address = "203.0.113.1") {
    let browser: Browser = { address };
    const take = <Step extends { cookies?: Cookies | undefined }>({ cookies, ...step }: Step) => {
      const { session, key } = cookies ?? {};
      if (key !== undefined) browser = { ...browser, key: key.value };
      if (session !== undefined) browser = { ...browser, session: session === "clear" ? undefined : session.value };
      return step as Step;
    };
    const ask = async (userCode?: string): Promise<DeviceStep> => take(await devices.ask(userCode, browser));
    return {
      ask,
      cookies: () => browser,
      forgetSession: () => {
        browser = { ...browser, session: undefined };
      },
      /** Opens the page, and sends its form. */
      async enter(userCode: string, token?: string): Promise<DeviceStep> {
        const page = await ask();
        const own = page.step === "device_code" ? page.token : "";
        return take(await devices.enter({ userCode, token: token ?? own }, browser));
      },
      async signIn(step: DeviceStep, person: Person = { subject: "ada" }): Promise<DeviceStep> {
        if (step.step !== "sign_in") throw new Error(`Nobody was asked to sign in: ${JSON.stringify(step)}`);
        return take(await signIns.accept(step.handle, browser, person));
      },
      async decide(step: DeviceStep, allow = true): Promise<DeviceStep> {
        if (step.step !== "consent") throw new Error(`Nobody was asked: ${JSON.stringify(step)}`);
        return take(await signIns.decide(step.handle, browser, { allow, token: step.token }));
      },
    };
  }
  const start = (asked = {}) => devices.start(caller, asked, "203.0.113.8");
  const poll = (deviceCode: string, by = caller) => service.exchangeDeviceCode(by, { deviceCode });
  return { ...opened, devices, caller, callerFor, openBrowser, start, poll };
}

const refusedBy = (reason: string) => ({ name: "MintmarkError", reason });

describe("a device authorization (RFC 8628)", () => {
  it("begins with two codes, and where to enter the shorter one", async () => {
    await using opened = await openDevice();
    const started = await opened.start();
    expect(started).toEqual({
      deviceCode: expect.stringMatching(/^[\w-]{43}$/),
      userCode: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verificationUri: `${ISSUER}/device`,
      verificationUriComplete: `${ISSUER}/device?user_code=${started.userCode}`,
      expiresIn: 600,
      interval: 5,
    });
  });

  it("ends with the tokens of the person who agreed", async () => {
    await using opened = await openDevice();
    await addResource(opened.service);
    const { deviceCode, userCode } = await opened.start({
      scope: "openid offline_access tools:read",
      resources: [MCP],
    });
    const browser = opened.openBrowser();
    const signIn = await browser.enter(userCode);
    expect(signIn).toMatchObject({ step: "sign_in", client: { name: "TV" } });
    const consent = await browser.signIn(signIn);
    expect(consent).toMatchObject({
      step: "consent",
      host: "device:",
      subject: "ada",
      client: { clientId: opened.caller.clientId, name: "TV" },
      resources: [{ audience: MCP }],
    });
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("authorization_pending"));
    expect(await browser.decide(consent)).toEqual({ step: "device_done", allowed: true });
    const tokens = await opened.poll(deviceCode);
    const { clientId } = opened.caller;
    expect(tokens).toMatchObject({ scope: "openid offline_access tools:read", expiresIn: 900 });
    const claims = await opened.service.verifyToken({ token: tokens.token, audience: MCP });
    expect(claims).toMatchObject({ sub: "ada", aud: MCP, client_id: clientId, sid: expect.any(String) });
    expect(tokens.idToken).toEqual(expect.any(String));
    const refreshed = await opened.service.refreshToken(opened.caller, { refreshToken: tokens.refreshToken ?? "" });
    expect(refreshed.token).not.toBe(tokens.token);
    const wrong = opened.service.refreshToken(opened.caller, { refreshToken: "x".repeat(43) });
    await expect(wrong).rejects.toMatchObject(refusedBy("invalid_refresh_token"));
  });

  it.each([
    ["denies", false],
    ["does not sign in", undefined],
  ])("is refused where the person %s", async (_, allow) => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const browser = opened.openBrowser();
    const signIn = await browser.enter(userCode);
    const handle = signIn.step === "sign_in" ? signIn.handle : "";
    const done =
      allow === undefined
        ? await opened.service.signIns?.refuse(handle, browser.cookies())
        : await browser.decide(await browser.signIn(signIn), allow);
    expect(done).toMatchObject({ step: "device_done", allowed: false });
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("access_denied"));
    expect(await browser.enter(userCode)).toMatchObject({ step: "device_code", problem: "unknown" });
  });

  it("makes a device that asks too often wait 5 s longer each time (RFC 8628 §3.5)", async () => {
    await using opened = await openDevice();
    const { deviceCode } = await opened.start();
    const reasonAfter = async (seconds: number) => {
      opened.clock.now += seconds;
      return opened.poll(deviceCode).catch(({ reason }) => reason);
    };
    expect(await reasonAfter(0)).toBe("authorization_pending");
    expect(await reasonAfter(5)).toBe("authorization_pending");
    expect(await reasonAfter(4)).toBe("slow_down");
    expect(await reasonAfter(9)).toBe("slow_down");
    expect(await reasonAfter(15)).toBe("authorization_pending");
  });

  it("ends after 10 minutes, for the device and for the person", async () => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const browser = opened.openBrowser();
    const consent = await browser.signIn(await browser.enter(userCode));
    opened.clock.now = NOW + 600;
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("expired_device_code"));
    expect(await browser.decide(consent)).toMatchObject({ step: "refused", reason: "expired" });
    expect(await browser.enter(userCode)).toMatchObject({ problem: "unknown" });
  });

  it("ends after 10 minutes also where its code was entered late, or approved in the last second", async () => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const [late, last] = [await opened.start(), await opened.start()];
    const browser = opened.openBrowser();
    opened.clock.now = NOW + 590;
    const unanswered = await browser.signIn(await browser.enter(userCode));
    const approved = await browser.enter(late.userCode);
    expect(await browser.decide(approved)).toMatchObject({ step: "device_done" });
    opened.clock.now = NOW + 599;
    expect(await browser.decide(await browser.enter(last.userCode))).toMatchObject({ step: "device_done" });
    opened.clock.now = NOW + 604;
    expect(await browser.decide(unanswered)).toMatchObject({ step: "refused", reason: "expired" });
    expect(await opened.poll(last.deviceCode)).toMatchObject({ tokenType: "Bearer" });
    opened.clock.now = NOW + 660;
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("expired_device_code"));
    await expect(opened.poll(late.deviceCode)).rejects.toMatchObject(refusedBy("invalid_code"));
  });

  it("gives its tokens once: a second use ends them", async () => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const browser = opened.openBrowser();
    await browser.decide(await browser.signIn(await browser.enter(userCode)));
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => opened.poll(deviceCode)));
    const given = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(given.length).toBe(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject(refusedBy("invalid_code"));
    const verification = opened.service.verifyToken({ token: given[0]?.token ?? "" });
    await expect(verification).rejects.toMatchObject(refusedBy("token_revoked"));
  });

  it.each<[asked: object, error: object]>([
    [{ scope: "admin" }, { reason: "permission_denied", issues: [{ path: "scope" }] }],
    [{ scope: "orders:read admin" }, { reason: "permission_denied", issues: [{ path: "scope" }] }],
    [{ resources: ["https://unknown.example"] }, { reason: "invalid_target" }],
  ])("is refused for %j", async (asked, error) => {
    await using opened = await openDevice();
    await expect(opened.start(asked)).rejects.toMatchObject(error);
  });

  it("is refused to a client without the grant type, and to the local caller", async () => {
    await using opened = await openDevice({ authMethod: undefined, grants: ["client_credentials"] });
    await expect(opened.start()).rejects.toMatchObject({ reason: "permission_denied", issues: [{ path: "grant" }] });
    await expect(opened.devices.start(localCaller, {})).rejects.toMatchObject(refusedBy("invalid_client"));
    await expect(opened.poll("x".repeat(43))).rejects.toMatchObject(refusedBy("invalid_code"));
  });

  it("is refused to an address over 60 a minute", async () => {
    await using opened = await openDevice();
    for (let count = 0; count < 60; count += 1) await opened.start();
    await expect(opened.start()).rejects.toMatchObject(refusedBy("rate_limited"));
    await expect(opened.devices.start(opened.caller, {}, "203.0.113.7")).resolves.toBeDefined();
    opened.clock.now += 60;
    await expect(opened.start()).resolves.toBeDefined();
  });
});

describe("P12, P17: consent to a device", () => {
  it.each([
    ["of a client of ours", { firstParty: true, authMethod: undefined }],
    ["of any other client", {}],
  ] as const)("%s is asked each time, also in a signed-in browser", async (_, fields) => {
    await using opened = await openDevice(fields);
    const browser = opened.openBrowser();
    const first = await opened.start({ scope: "orders:read" });
    expect(await browser.decide(await browser.signIn(await browser.enter(first.userCode)))).toMatchObject({
      allowed: true,
    });
    const second = await opened.start({ scope: "orders:read" });
    expect(await browser.enter(second.userCode)).toMatchObject({ step: "consent", subject: "ada" });
    await expect(opened.poll(second.deviceCode)).rejects.toMatchObject(refusedBy("authorization_pending"));
  });
});

describe("P18: a device request", () => {
  it("belongs to the browser that entered its code first: no other one can approve or deny it", async () => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const [first, second] = [opened.openBrowser(), opened.openBrowser("203.0.113.2")];
    const consent = await first.signIn(await first.enter(userCode));
    expect(await second.enter(userCode)).toMatchObject({ step: "device_code", problem: "taken" });
    for (const allow of [true, false])
      expect(await second.decide(consent, allow)).toMatchObject({ step: "refused", reason: "other_browser" });
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("authorization_pending"));
    // The first one may have closed its page.
    expect(await first.enter(userCode)).toMatchObject({ step: "consent" });
    expect(await first.decide(consent)).toMatchObject({ allowed: true });
    await expect(opened.poll(deviceCode)).resolves.toBeDefined();
  });

  it("belongs to one of two browsers that enter its code at once", async () => {
    await using opened = await openDevice();
    const { userCode } = await opened.start();
    const browsers = Array.from({ length: 6 }, (_, at) => opened.openBrowser(`203.0.113.${at}`));
    const steps = await Promise.all(browsers.map((browser) => browser.enter(userCode)));
    expect(steps.map(({ step }) => step).sort()).toEqual([...Array(5).fill("device_code"), "sign_in"]);
  });

  it("is looked up by no page that a link or another site opens", async () => {
    await using opened = await openDevice();
    const { userCode } = await opened.start();
    const [victim, attacker] = [opened.openBrowser(), opened.openBrowser()];
    const page = await victim.ask(userCode);
    expect(page).toMatchObject({ step: "device_code", userCode });
    const other = await attacker.ask();
    const stolen = other.step === "device_code" ? other.token : "";
    for (const token of ["", "x".repeat(43), stolen])
      expect(await victim.enter(userCode, token)).toMatchObject({ step: "device_code", userCode });
    expect(await opened.devices.enter({ userCode, token: stolen }, {})).toMatchObject({
      step: "device_code",
      userCode,
    });
    // Nobody has it yet.
    expect(await attacker.enter(userCode)).toMatchObject({ step: "sign_in" });
  });

  it("gives its tokens to its own client alone, and the owner's code stays valid", async () => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const stranger = await opened.callerFor({ ...TV, name: "stranger" });
    await expect(opened.poll(deviceCode, stranger)).rejects.toMatchObject(refusedBy("invalid_code"));
    await expect(opened.poll(deviceCode)).rejects.toMatchObject(refusedBy("authorization_pending"));
    const browser = opened.openBrowser();
    await browser.decide(await browser.signIn(await browser.enter(userCode)));
    await expect(opened.poll(deviceCode, stranger)).rejects.toMatchObject(refusedBy("invalid_code"));
    await expect(opened.poll(deviceCode)).resolves.toBeDefined();
  });

  it.each<[what: string, revoke: (opened: Awaited<ReturnType<typeof openDevice>>, sid: string) => Promise<unknown>]>([
    ["the person", ({ service }) => service.revokeAll(localCaller, { kind: "subject", id: "ada" })],
    ["the session", ({ service }, sid) => service.revokeGrant(localCaller, sid)],
    ["the client", ({ service, caller }) => service.revokeAll(localCaller, { kind: "client", id: caller.clientId })],
    ["the client, which is removed", ({ service, caller }) => service.clients.remove(localCaller, caller.clientId)],
    [
      "the grant type of the client",
      ({ service, caller: { clientId } }) =>
        service.clients.update(localCaller, { clientId, grants: ["refresh_token"] }),
    ],
  ])("gives no tokens after the revocation of %s, also after it was approved", async (_, revoke) => {
    await using opened = await openDevice();
    const { deviceCode, userCode } = await opened.start();
    const browser = opened.openBrowser();
    await browser.decide(await browser.signIn(await browser.enter(userCode)));
    const [{ sid } = { sid: "" }] = await opened.store.listSignIns({ subject: "ada", now: NOW, limit: 1 });
    await revoke(opened, sid);
    await expect(opened.poll(deviceCode)).rejects.toMatchObject({ name: "MintmarkError" });
    const { records } = await opened.service.audit.list(localCaller, { action: "exchangeDeviceCode", limit: 9 });
    expect(records.filter(({ outcome }) => outcome === "allowed")).toEqual([]);
  });
});

describe("user codes", () => {
  it("are read whatever their case, spaces and hyphens", async () => {
    await using opened = await openDevice();
    const { userCode } = await opened.start();
    const browser = opened.openBrowser();
    expect(await browser.enter(` ${userCode.toLowerCase().replace("-", " ")} `)).toMatchObject({ step: "sign_in" });
    expect(await browser.ask(userCode.toLowerCase().replace("-", ""))).toMatchObject({ userCode });
  });

  it("are shown again as they were entered, and of a link only where they can be one", async () => {
    await using opened = await openDevice();
    const browser = opened.openBrowser();
    const entered = `<b>${"x".repeat(100)}`;
    expect(await browser.enter(entered)).toMatchObject({ problem: "unknown", userCode: entered.slice(0, 64) });
    expect(await browser.enter("bcdf ghjk")).toMatchObject({ problem: "unknown", userCode: "BCDF-GHJK" });
    expect(await browser.ask(entered)).not.toHaveProperty("userCode", expect.any(String));
  });

  it("are guessed ten times by a browser, and 20 times by an address, in 10 minutes", async () => {
    await using opened = await openDevice();
    const { userCode } = await opened.start();
    const guess = () => [...randomBytes(8)].map((byte) => "BCDFGHJKLMNPQRSTVWXZ"[byte % 20]).join("");
    const [first, second, third] = [opened.openBrowser(), opened.openBrowser(), opened.openBrowser()];
    const outcomes = async (browser: typeof first, count: number) => {
      const steps = await Promise.all(Array.from({ length: count }, () => browser.enter(guess())));
      return steps.map((step) => ("problem" in step ? step.problem : step.step)).sort();
    };
    await first.ask();
    expect(await outcomes(first, 15)).toEqual([...Array(5).fill("too_many"), ...Array(10).fill("unknown")]);
    // Also the right one: a guesser must not learn that it was.
    expect(await first.enter(userCode)).toMatchObject({ problem: "too_many", retryAfter: 600 });
    await second.ask();
    expect(await outcomes(second, 10)).toEqual(Array(10).fill("unknown"));
    expect(await third.enter(userCode)).toMatchObject({ problem: "too_many" });
    const elsewhere = opened.openBrowser("203.0.113.77");
    expect(await elsewhere.enter(userCode)).toMatchObject({ step: "sign_in" });
    opened.clock.now += 600;
    expect(await outcomes(first, 1)).toEqual(["unknown"]);
  });

  it("that are right are not counted", async () => {
    await using opened = await openDevice();
    const browser = opened.openBrowser();
    for (let count = 0; count < 15; count += 1) {
      const { userCode } = await opened.start();
      expect(await browser.enter(userCode)).toMatchObject({ step: "sign_in" });
    }
  });
});

it("a service with a shared secret has no devices", async () => {
  await using opened = await openService({ secret: "a secret of at least 32 characters" });
  expect(opened.service.devices).toBeUndefined();
});

import { MintmarkError } from "../../errors.ts";
import type { DeviceRequest } from "../../store/authorization.ts";
import type { FoundClient } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { baseOf } from "../../token/http-url.ts";
import type { Authorize } from "../access/authorize.ts";
import { type Caller, grantViolation } from "../access/caller.ts";
import type { Settings } from "../settings.ts";
import { addressPrefix } from "../throttle/call-limits.ts";
import { createFixedWindow } from "../throttle/fixed-window.ts";
import { hashOf } from "../tokens/grant.ts";
import { createGuessLimit } from "./guess-limit.ts";
import type { RequestReader } from "./pending.ts";
import type { Requests } from "./requests.ts";
import { createSecret, formToken, isFormToken } from "./secrets.ts";
import type { Browser, Cookies, SignIns, Step } from "./step.ts";
import { createUserCode, displayUserCode, parseUserCode } from "./user-code.ts";

/** A device authorization response (RFC 8628 §3.2). */
type DeviceAuthorization = {
  deviceCode: string;
  /** As people read it, such as `WDJB-MJHT`. */
  userCode: string;
  verificationUri: string;
  verificationUriComplete: string;
  expiresIn: Seconds;
  interval: Seconds;
};

/** The person has to enter a user code, or to compare the given one with that of the device. */
type DeviceCodeStep = {
  step: "device_code";
  token: string;
  userCode?: string | undefined;
  problem?: "unknown" | "taken" | "too_many" | undefined;
  retryAfter?: Seconds | undefined;
};
export type DeviceStep = Step | (DeviceCodeStep & { cookies?: Cookies | undefined });

export type Devices = {
  /**
   * Begins a device authorization (RFC 8628 §3.1). Throws `permission_denied` without the grant type `device_code`, or for a
   * scope that the client may not request; `invalid_target`; and `rate_limited` over 60 a minute from one address.
   */
  start(
    caller: Caller,
    asked: { scope?: string | undefined; resources?: readonly string[] },
    address?: string,
  ): Promise<DeviceAuthorization>;
  /** The page that asks for a user code. `userCode`: that of the link that led to it. */
  ask(userCode: string | undefined, browser: Browser): Promise<DeviceStep>;
  /**
   * The person entered a user code. The first browser that does has the request: another one cannot approve it (P18). It then
   * goes the way of an authorization request, and consent is always asked. Wrong codes are limited; see `createGuessLimit`.
   */
  enter(entered: { userCode: string; token: string }, browser: Browser): Promise<DeviceStep>;
};

/** Lifetime of a device code, and how long a device waits between two requests at first. */
const LIFETIME: Seconds = 600;
const INTERVAL: Seconds = 5;

/** Device codes a minute for one address: anybody can name a public client, and each is stored. */
const MAX_STARTS = 60;

/** Two pending requests may not have one user code: with a million pending, a third attempt is needed once in 655 million. */
const MAX_ATTEMPTS = 5;

const PURPOSE = "user code";

/** Longest entered code on a page. */
const MAX_ENTERED = 64;

export type DevicesOptions = {
  store: Pick<Store, "findClient" | "addDeviceRequest" | "findDeviceRequest" | "claimDeviceRequest" | "addToCounts">;
  settings: Pick<Settings, "issuer">;
  authorize: Authorize;
  clock: Clock;
  /** The audience of what a client asks for, or why it may not have it. */
  target: RequestReader["target"];
  keep: Requests["keep"];
  resume: SignIns["resume"];
};

export function createDevices(options: DevicesOptions): Devices {
  const { store, settings, authorize, clock, target, keep, resume } = options;
  const takeGuess = createGuessLimit(store, clock);
  const starts = createFixedWindow(MAX_STARTS, clock);

  async function find(userCode: string): Promise<{ request: DeviceRequest; client: FoundClient } | undefined> {
    const request = await store.findDeviceRequest({ userCode: hashOf(userCode) });
    if (request === undefined || request.denied || request.expiresAt <= clock()) return undefined;
    const client = await store.findClient(request.clientId);
    return client && { request, client };
  }

  return {
    async start(caller, { scope, resources = [] }, address) {
      const retryAfter = address === undefined ? 0 : starts.take(addressPrefix(address));
      if (retryAfter > 0) throw new MintmarkError("rate_limited", { retryAfter });
      const denial = (current: Caller) => grantViolation(current, "device_code");
      return authorize(caller, { action: "device.start", permission: undefined, denial }, async (record) => {
        const client = await store.findClient(caller.clientId);
        if (client === undefined) throw new MintmarkError("invalid_client");
        const found = await target(client, { scope, resources });
        if ("error" in found) throw refusal(found);
        const now = clock();
        const pending = { clientId: client.clientId, audience: found.audience, scope, createdAt: now, denied: false };
        for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
          const [deviceCode, userCode] = [createSecret(), createUserCode()];
          const codes = { hash: hashOf(deviceCode), userCode: hashOf(userCode) };
          const request: DeviceRequest = { ...pending, ...codes, expiresAt: now + LIFETIME, interval: INTERVAL };
          if ((await store.addDeviceRequest(request, record)) === "added") return answer(deviceCode, userCode);
        }
        throw new MintmarkError("unavailable");
      });
    },

    ask: async (entered, browser) => page(browser, { userCode: readable(entered ?? "") }),

    async enter({ userCode: entered, token }, browser) {
      const { key } = browser;
      // Not of our page: a page of another site sends a code, but no cookie.
      if (key === undefined || !isFormToken(key, PURPOSE, token)) return page(browser, { userCode: readable(entered) });
      const userCode = readable(entered) ?? entered.slice(0, MAX_ENTERED);
      const again = (problem: DeviceCodeStep["problem"], retryAfter?: Seconds) =>
        page(browser, { userCode, problem, retryAfter });
      const code = parseUserCode(entered);
      if (code === undefined) return again("unknown");
      const { retryAfter, release } = await takeGuess(browser);
      if (retryAfter > 0) return again("too_many", retryAfter);
      const found = await find(code);
      if (found === undefined) return again("unknown");
      await release();
      const { request, client } = found;
      const claim = await store.claimDeviceRequest(request.hash, hashOf(key));
      if (claim !== "claimed") return again(claim);
      const { clientId, audience, scope } = request;
      const prompt = { none: false, login: false, consent: true };
      const pending = {
        clientId,
        audience,
        scope,
        prompt,
        target: { kind: "device", hash: request.hash, expiresAt: request.expiresAt },
        startedAt: clock(),
      } as const;
      const stored = await keep({ request: pending, client }, browser);
      if ("retryAfter" in stored) return again("too_many", stored.retryAfter);
      return resume(stored.kept.handle, browser);
    },
  };

  function answer(deviceCode: string, userCode: string): DeviceAuthorization {
    const verificationUri = `${baseOf(settings.issuer())}/device`;
    const shown = displayUserCode(userCode);
    const verificationUriComplete = `${verificationUri}?user_code=${shown}`;
    return {
      deviceCode,
      userCode: shown,
      verificationUri,
      verificationUriComplete,
      expiresIn: LIFETIME,
      interval: INTERVAL,
    };
  }
}

/** A page of this browser, which receives a key if it has none. */
function page(
  { key: known }: Browser,
  shown: Pick<DeviceCodeStep, "userCode" | "problem" | "retryAfter">,
): DeviceCodeStep & { cookies?: Cookies } {
  const key = known ?? createSecret();
  const step = { step: "device_code", token: formToken(key, PURPOSE), ...shown } as const;
  return known === undefined ? { ...step, cookies: { key: { value: key } } } : step;
}

/** A user code as people read it; `undefined` where the text cannot be one: a page shows nothing else of a link. */
function readable(entered: string): string | undefined {
  const code = parseUserCode(entered);
  return code && displayUserCode(code);
}

function refusal({ error, description }: { error: string; description: string }): MintmarkError {
  if (error === "invalid_target") return new MintmarkError("invalid_target");
  return new MintmarkError("permission_denied", { issues: [{ path: "scope", message: `is refused: ${description}` }] });
}

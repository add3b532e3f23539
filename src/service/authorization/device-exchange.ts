import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { Authorize } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import { hashOf } from "../tokens/grant.ts";
import type { CodeExchange, ExchangedTokens } from "./exchange.ts";

/**
 * Exchanges a device code for tokens, once the person has approved it (RFC 8628 §3.4). Throws `authorization_pending` before,
 * and `slow_down` where the device asks too often: then its interval is 5 s longer from now on. Throws `access_denied`,
 * `expired_device_code`, and `invalid_code` for a code that is unknown, used, or of another client.
 */
export type ExchangeDeviceCode = (caller: Caller, request: { deviceCode: string }) => Promise<ExchangedTokens>;

export type DeviceExchangeOptions = {
  store: Pick<Store, "findDeviceRequest" | "pollDeviceRequest">;
  authorize: Authorize;
  clock: Clock;
  exchangeApproval: CodeExchange["exchangeApproval"];
};

export function createDeviceExchange(options: DeviceExchangeOptions): ExchangeDeviceCode {
  const { store, authorize, clock, exchangeApproval } = options;
  return async (caller, { deviceCode }) => {
    const hash = hashOf(deviceCode);
    // First: the approval deletes the request and adds a code in one change.
    const request = await store.findDeviceRequest({ hash });
    if (request === undefined || request.clientId !== caller.clientId) {
      const tokens = await exchangeApproval(caller, deviceCode, "device_code");
      if (tokens !== undefined) return tokens;
      const invalid = async () => Promise.reject(new MintmarkError("invalid_code"));
      return authorize<never>(caller, { action: "exchangeDeviceCode", permission: undefined }, invalid);
    }
    // No audit records: a device asks every few seconds.
    if (request.expiresAt <= clock()) throw new MintmarkError("expired_device_code");
    if (request.denied) throw new MintmarkError("access_denied");
    const polled = await store.pollDeviceRequest(hash, { now: clock() });
    throw new MintmarkError(polled?.tooSoon ? "slow_down" : "authorization_pending");
  };
}

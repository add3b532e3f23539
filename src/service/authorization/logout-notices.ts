import { setBackgroundTimeout } from "../../async/background-timer.ts";
import { coalesce } from "../../async/coalesce.ts";
import { addressesOfClients } from "../../remote/addresses.ts";
import { createFormSender, type FormSender } from "../../remote/form-sender.ts";
import type { FetchFailure } from "../../remote/guarded-exchange.ts";
import type { LogoutNotice } from "../../store/sign-in.ts";
import type { Store } from "../../store/store.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import { type LogoutTokenOptions, signLogoutToken } from "./logout-token.ts";

/** Requests at one moment, in all and of one client: a client that hangs leaves room for the others. */
const MAX_CONCURRENT = 64;
const MAX_PER_CLIENT = 16;

/** Longest time of a request. */
const TIMEOUT_MS: Milliseconds = 5000;

/** How long a notice that was taken is not taken again: longer than a request. */
const LEASE: Seconds = 15;

/** Shortest time between two looks: many revocations at once must not each cost one. */
const PAUSE_MS: Milliseconds = 50;

/** How often notices are looked for that were postponed, or that another process made due. */
const INTERVAL_MS: Milliseconds = 1000;

/** The wait before the first retry. Each further one is twice as long: the fifteenth attempt is after 22 h 45 min, and the last. */
const FIRST_WAIT: Seconds = 5;
const MAX_RETRIES = 14;

export type LogoutNoticesOptions = LogoutTokenOptions & {
  store: Pick<Store, "takeLogouts" | "postponeLogout" | "finishLogout" | "findClient">;
  trust: Pick<StoreFollower, "onUpdate">;
  /** Whether access is open, as in development: clients on this machine are then called, too. */
  open: boolean;
  onError: (work: string, error: unknown) => void;
};

/**
 * Starts to notify clients of ended sessions (OIDC Back-Channel Logout 1.0), in the background: no request waits for it. A
 * notice is sent at least once. Servers share the work by leases in the store. A client that does not acknowledge is called
 * again for a day; then its notice is dropped, and reported once. Returns the function that ends all requests at once.
 */
export function startLogoutNotices(options: LogoutNoticesOptions): () => void {
  const { store, trust, clock, open, onError } = options;
  const send = createFormSender({ isAllowed: addressesOfClients({ open }) });
  /** The requests in progress, with their clients. */
  const running = new Map<AbortController, string>();
  let hasEnded = false;

  const report = (error: unknown) => {
    // Work in progress fails when the store closes.
    if (!hasEnded) onError("sending logout tokens", error);
  };

  const sendDue = coalesce(async () => {
    const limit = MAX_CONCURRENT - running.size;
    if (hasEnded || limit <= 0) return;
    const notices = await store.takeLogouts(clock(), { limit, lease: LEASE });
    for (const notice of notices) void process(notice).catch(report);
  }, PAUSE_MS);
  const sendSoon = () => void sendDue().catch(report);

  async function process(notice: LogoutNotice): Promise<void> {
    const { clientId } = notice;
    const ofClient = [...running.values()].filter((one) => one === clientId).length;
    // It is due again after its lease.
    if (ofClient >= MAX_PER_CLIENT) return;
    const ending = new AbortController();
    const timer = setBackgroundTimeout(() => ending.abort(), TIMEOUT_MS);
    running.set(ending, clientId);
    try {
      const failure = await sendNotice(notice, { ...options, send }, ending.signal);
      if (!hasEnded) await conclude(notice, failure);
    } finally {
      clearTimeout(timer);
      running.delete(ending);
      if (!hasEnded) sendSoon();
    }
  }

  async function conclude(notice: LogoutNotice, failure: FetchFailure | undefined): Promise<void> {
    const { clientId, attempts } = notice;
    if (failure !== undefined && attempts < MAX_RETRIES)
      return store.postponeLogout(notice, clock() + FIRST_WAIT * 2 ** attempts);
    await store.finishLogout(notice);
    if (failure === undefined) return;
    const code = `${failure.reason} ${failure.detail ?? ""}`.trim();
    onError(`notifying client ${clientId} of a logout, for a day`, Object.assign(new Error(code), { code }));
  }

  const timer = setInterval(sendSoon, INTERVAL_MS).unref();
  const unsubscribe = trust.onUpdate(sendSoon);
  return () => {
    hasEnded = true;
    clearInterval(timer);
    unsubscribe();
    for (const ending of running.keys()) ending.abort();
  };
}

/** Sends a notice; resolves to a failure that is worth a retry. A client that has no URI any more needs none. */
async function sendNotice(
  notice: LogoutNotice,
  options: LogoutTokenOptions & { store: Pick<Store, "findClient">; send: FormSender },
  signal: AbortSignal,
): Promise<FetchFailure | undefined> {
  const { backchannelLogoutUri } = (await options.store.findClient(notice.clientId)) ?? {};
  if (backchannelLogoutUri === undefined) return undefined;
  const form = { logout_token: await signLogoutToken(notice, options) };
  const outcome = await options.send(backchannelLogoutUri, form, signal);
  return outcome.outcome === "failed" ? outcome : undefined;
}

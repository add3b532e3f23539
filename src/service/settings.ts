import { StartError } from "../errors.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { StoredSettings } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import type { Seconds } from "../time.ts";
import type { AuditLog } from "./access/audit-log.ts";
import { systemCaller } from "./access/caller.ts";
import type { StoreFollower } from "./feed/store-follower.ts";

/** The configured values of the stored settings. Absent: not configured. */
type GivenSettings = {
  issuer?: string | undefined;
  audience?: string | undefined;
  alg?: KeyPairAlgorithm | undefined;
  secretKid?: string | undefined;
  ttl: Seconds;
  maxTtl: Seconds;
};

/** The settings in use. */
export type EffectiveSettings = {
  issuer: string;
  audience: string;
  alg: KeyPairAlgorithm;
  ttl: Seconds;
  maxTtl: Seconds;
};

export type Settings = {
  /** The `iss` of issued and accepted tokens, and the default `aud`. */
  issuer(): string;
  audience(): string;
  /** The algorithm of the next key pair. */
  alg(): KeyPairAlgorithm;
  /** The longest token lifetime ever allowed with this data. */
  longestLifetime(): Seconds;
  /** Stores configured settings that differ. Audits changes of settings that were stored before. */
  store(): Promise<void>;
  /** Uses the origin that a server listens on as the issuer, unless one is configured. */
  adoptIssuer(origin: string): Promise<void>;
  /** The default lifetime of a token, and the longest that may be requested. */
  limits(): { ttl: Seconds; maxTtl: Seconds };
};

export type SettingsOptions = {
  given: GivenSettings;
  /** Whether stored settings override the configured ones. */
  guest: boolean;
  store: Pick<Store, "changeSettings">;
  trust: Pick<StoreFollower, "position" | "catchUp">;
  audit: Pick<AuditLog, "record">;
};

const DEFAULT_ISSUER = "http://127.0.0.1:3000";

/** The settings of a service, configured and stored. */
export function createSettings({ given, guest, store, trust, audit }: SettingsOptions): Settings {
  let adopted: string | undefined;
  const stored = () => trust.position().settings;
  const issuer = () => (guest ? stored().issuer : undefined) ?? given.issuer ?? adopted ?? DEFAULT_ISSUER;
  const audience = () => (guest ? stored().audience : undefined) ?? given.audience ?? issuer();

  function limits() {
    const { ttl, maxTtl } = stored();
    return guest && ttl !== undefined && maxTtl !== undefined
      ? { ttl, maxTtl }
      : { ttl: given.ttl, maxTtl: given.maxTtl };
  }

  async function change(wanted: Partial<StoredSettings>): Promise<void> {
    const differences = differencesOf(stored(), wanted);
    if (differences.length === 0) return;
    const changed = differences.filter(({ isInitial }) => !isInitial);
    const target = changed.map(describe).join(", ");
    const { clientId } = systemCaller;
    const record = audit.record({ clientId, action: "settings.change", outcome: "allowed", target });
    await store.changeSettings(wanted, { record, isInitial: changed.length === 0 });
    await trust.catchUp();
  }

  return {
    issuer,
    audience,
    alg: () => stored().alg ?? given.alg ?? "ES256",
    longestLifetime: () => Math.max(stored().longestLifetime, limits().maxTtl),
    limits,

    async store() {
      if (guest) return requireSameSigner(stored(), given);
      const { issuer, secretKid, ttl, maxTtl, alg = stored().alg ?? "ES256" } = given;
      const names = issuer === undefined ? {} : { issuer, audience: audience() };
      const secretKids = withKid(stored().secretKids, secretKid);
      await change({ ...names, alg, secretKid, secretKids, ttl, maxTtl, longestLifetime: maxTtl });
    },

    async adoptIssuer(origin) {
      if (guest || given.issuer !== undefined) return;
      adopted = origin;
      await change({ issuer: origin, audience: audience() });
    },
  };
}

function withKid(kids: readonly string[] | undefined, kid: string | undefined): readonly string[] | undefined {
  return kid === undefined || kids?.includes(kid) ? kids : [...(kids ?? []), kid];
}

/** One sentence for the log about each changed setting. None for settings stored for the first time. */
export function changesBetween({ from, to }: { from: StoredSettings; to: StoredSettings }): string[] {
  return differencesOf(from, to)
    .filter(({ isInitial }) => !isInitial)
    .map(({ sentence }) => sentence);
}

/** A changed setting for the audit log. */
function describe({ name, from, to }: Difference): string {
  return from === to ? `${name}: ${from} was replaced by another` : `${name}: ${from} -> ${to}`;
}

type Name = keyof StoredSettings;
type Difference = { name: Name; from: string; to: string; isInitial: boolean; sentence: string };

function differencesOf(stored: StoredSettings, wanted: Partial<StoredSettings>): Difference[] {
  const names = (Object.keys(wanted) as Name[]).filter((name) => differs(name, stored, wanted));
  return names.map((name) => {
    const [from, to] = [display(name, stored), display(name, wanted)];
    // `alg` is stored at the first start, with or without a secret. Derived settings have no sentence.
    const isInitial = name === "secretKid" ? stored.alg === undefined : !stored[name] || SENTENCES[name] === undefined;
    return { name, from, to, isInitial, sentence: SENTENCES[name]?.(from, to) ?? "" };
  });
}

function differs(name: Name, stored: StoredSettings, wanted: Partial<StoredSettings>): boolean {
  if (name === "longestLifetime") return (wanted.longestLifetime ?? 0) > stored.longestLifetime;
  return wanted[name] !== stored[name];
}

/** A setting for operators. Hides the `kid` of a shared secret. */
function display(name: Name, settings: Partial<StoredSettings>): string {
  if (name === "secretKid") return settings.secretKid === undefined ? "key pairs" : "a shared secret";
  return String(settings[name]);
}

const SENTENCES: Partial<Record<Name, (from: string, to: string) => string>> = {
  issuer: (from, to) =>
    `The issuer changes from ${from} to ${to}: tokens that were issued as ${from} are refused from now on`,
  audience: (from, to) => `The default audience changes from ${from} to ${to}`,
  alg: (from, to) => `The algorithm of the next key changes from ${from} to ${to}`,
  secretKid: (from, to) =>
    from === to
      ? "The shared secret changes: tokens that were signed with the earlier one are refused from now on"
      : `Tokens are signed with ${to} from now on: those that were signed with ${from} are refused`,
  maxTtl: (from, to) =>
    `The longest lifetime of a token changes from ${from} s to ${to} s: tokens that were issued before are valid until they expire`,
};

/** A command with another secret than the service's would issue tokens that no verifier accepts. */
function requireSameSigner({ alg, secretKid }: StoredSettings, given: GivenSettings): void {
  if (secretKid === given.secretKid || (secretKid === undefined && alg === undefined)) return;
  if (given.secretKid === undefined)
    throw new StartError("The service signs with a shared secret: set MINTMARK_SECRET to it, or use --url");
  throw new StartError(
    secretKid === undefined
      ? "MINTMARK_SECRET is set, but the service signs with key pairs: unset it"
      : "MINTMARK_SECRET is not the secret that the service signs with: set that one, or use --url",
  );
}

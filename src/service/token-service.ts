import type { z } from "zod";
import type { JwkSet } from "../keys/keyring.ts";
import type { AuditQuery } from "../store/audit.ts";
import type { Seconds } from "../time.ts";
import type { AnyClaims, ClaimsSchema } from "../token/claims.ts";
import type { AuditPage } from "./access/audit-log.ts";
import type { Caller } from "./access/caller.ts";
import type { ApplicationSignIn } from "./authorization/application-sign-in.ts";
import type { Consents } from "./authorization/consents.ts";
import type { Devices } from "./authorization/device.ts";
import type { ExchangeDeviceCode } from "./authorization/device-exchange.ts";
import type { CodeExchange } from "./authorization/exchange.ts";
import type { Logout } from "./authorization/logout.ts";
import type { Sessions } from "./authorization/sessions.ts";
import type { SignIns } from "./authorization/step.ts";
import type { UserInfo } from "./authorization/user-info.ts";
import type { Administrator } from "./clients/administrator.ts";
import type { Authenticate } from "./clients/authenticate.ts";
import type { ClientRegistration } from "./clients/client-registration.ts";
import type { Clients } from "./clients/clients.ts";
import type { Feed } from "./feed/feed.ts";
import type { KeyManagement } from "./keys/key-management.ts";
import type { Metrics } from "./operations/counters.ts";
import type { Readiness } from "./operations/readiness.ts";
import type { Tracer } from "./operations/tracer.ts";
import type { Resources } from "./resources/resources.ts";
import type { EffectiveSettings } from "./settings.ts";
import type { RateLimits } from "./throttle/call-limits.ts";
import type { Lookups } from "./tokens/lookups.ts";
import type { Revocations } from "./tokens/revocations.ts";
import type { SignIntrospection } from "./tokens/sign-introspection.ts";
import type { Tokens } from "./tokens/tokens.ts";

export type TokenService<Schema extends ClaimsSchema = AnyClaims> = Tokens<Schema> &
  Omit<Revocations<Schema>, "revokeReusedGrant"> &
  Lookups &
  Pick<CodeExchange, "exchangeCode"> &
  UserInfo & {
    /** The authorization of clients by people. Absent with a shared secret. */
    readonly signIns: SignIns | undefined;
    /** Signs a browser out. Absent with a shared secret. */
    readonly logout: Logout | undefined;
    /** The sign-in of devices. Absent with a shared secret. */
    readonly devices: Devices | undefined;
    readonly exchangeDeviceCode: ExchangeDeviceCode;
    readonly sessions: Sessions;
    readonly consents: Consents;
    /** For an application in another process, at which people sign in. */
    readonly signIn: ApplicationSignIn<z.input<Schema>>;
    readonly issuer: string;
    /** Uses the origin that a server listens on as the issuer, unless the `issuer` option is set. */
    adoptIssuer(origin: string): Promise<void>;
    readonly maxTtl: Seconds;
    /** The effective settings: a guest uses the stored ones, other services their options. */
    settings(): EffectiveSettings;
    readonly claims: Schema;
    /** Whether callers without credentials have every permission. */
    readonly open: boolean;
    /** The limits of calls, with their defaults. */
    readonly rateLimits: RateLimits;
    readonly authenticate: Authenticate;
    readonly keys: Omit<KeyManagement, "rotateIfDue">;
    readonly clients: Clients & Administrator;
    /** Dynamic client registration. Absent unless `registration` is `open`, and with a shared secret. */
    readonly registration: ClientRegistration | undefined;
    readonly resources: Resources;
    /** The origins of the redirect URIs of public clients, whose scripts may call from a browser. */
    readonly publicOrigins: () => Promise<ReadonlySet<string>>;
    /** Whether an origin is of a redirect URI of a client that introduced itself. */
    readonly isIntroducedOrigin: (clientId: string, origin: string) => Promise<boolean>;
    readonly audit: { list(caller: Caller, query: AuditQuery): Promise<AuditPage> };
    readonly signIntrospection: SignIntrospection;
    /** The public verification keys (RFC 7517). Empty with a shared secret. */
    jwks(): JwkSet;
    /** Streams the trust events; see {@link Feed}. */
    readonly follow: Feed["follow"];
    /** Makes {@link readiness} report `draining`. The service still serves requests. */
    drain(): void;
    /** Disconnects all followers and refuses new ones. */
    endFeeds(): void;
    /** Checks whether requests can be served in full. Never rejects. */
    readiness(): Promise<Readiness>;
    readonly metrics: {
      /** Throws `permission_denied` unless the caller may read metrics. */
      authorize(caller: Caller): Promise<void>;
      /** Counters since the start, and gauges. Contains nothing from requests. */
      read(): Metrics;
    };
    /** The `tracer` option. */
    readonly tracer: Tracer | undefined;
    /** Runs now what runs every minute: reloads and rotates keys, writes counted refusals and uses of clients, prunes. */
    maintenance(): Promise<void>;
    /** Stops all work and closes the store. */
    close(): Promise<void>;
  };

import { z } from "zod";
import { KEEP_ALIVE } from "../../http/listen.ts";
import * as schemas from "../environment/schemas.ts";
import { type Setting, secret } from "./setting.ts";

const { callsPerMinute, text } = schemas;
const unit = "seconds";

/** Address, database, access, limits and processes. */
export const serverSettings = {
  HOST: {
    name: "host",
    schema: schemas.host.default("127.0.0.1"),
    doc: "IP address or host name of this machine to listen on",
  },
  PORT: { name: "port", schema: schemas.port.default(3000), doc: "port to listen on; `0` picks a free one" },
  MINTMARK_DATA: {
    name: "data",
    schema: schemas.dataDirectory.default(".mintmark"),
    doc: "folder of the embedded database; for Mintmark alone",
  },
  DATABASE_URL: {
    name: "databaseUrl",
    schema: schemas.databaseUrl.optional(),
    doc: "`postgres://…` stores all state in PostgreSQL instead; `?schema=NAME` names the schema of its tables",
    fromFile: true,
  },
  MINTMARK_ACCESS: {
    name: "access",
    schema: z.enum(["open", "clients"]).optional(),
    otherwise: "`open` where host and issuer are loopback, else `clients`",
    doc: "`open`: every program on this machine may do everything; `clients`: callers authenticate as clients",
  },
  MINTMARK_ADMIN_SECRET: {
    name: "adminSecret",
    schema: schemas.longText.optional(),
    doc: 'adds the client "admin" with this secret of at least 32 characters',
    ...secret,
  },
  MINTMARK_RATE_ISSUE: {
    name: "rateIssue",
    schema: callsPerMinute.optional(),
    otherwise: "`30000`; `0` where access is open",
    doc: "calls a minute of `getToken` and `refreshToken` by one client; `0` sets no limit",
  },
  MINTMARK_RATE_ISSUE_ADDRESS: {
    name: "rateIssueAddress",
    schema: callsPerMinute.optional(),
    otherwise: "`60000`; `0` where access is open",
    doc: "the same from one address (IPv6: one /64)",
  },
  MINTMARK_RATE_VERIFY: {
    name: "rateVerify",
    schema: callsPerMinute.optional(),
    otherwise: "`300000`; `0` where access is open",
    doc: "calls a minute of `introspectToken` by one client; `0` sets no limit",
  },
  MINTMARK_RATE_VERIFY_ADDRESS: {
    name: "rateVerifyAddress",
    schema: callsPerMinute.optional(),
    otherwise: "`600000`; `0` where access is open",
    doc: "calls a minute of `verifyToken` and `introspectToken` from one address (IPv6: one /64)",
  },
  MINTMARK_ORIGINS: {
    name: "origins",
    schema: schemas.origins.default([]),
    doc: "web origins whose pages may call from a browser, separated by commas: `https://app.example`",
  },
  MINTMARK_TRUST_PROXY: {
    name: "trustProxy",
    schema: schemas.proxies.default([]),
    doc: "proxies whose `X-Forwarded-For` is trusted: addresses, networks or `loopback`, separated by commas",
  },
  MINTMARK_CLIENT_ID: {
    name: "clientId",
    schema: text.optional(),
    doc: "client id of commands with `--url`",
  },
  MINTMARK_CLIENT_SECRET: {
    name: "clientSecret",
    schema: text.optional(),
    doc: "client secret of commands with `--url`",
    fromFile: true,
  },
  MINTMARK_KEEP_ALIVE: {
    name: "keepAlive",
    schema: schemas.keepAlive.default(KEEP_ALIVE),
    unit,
    doc: "how long an idle connection stays open; longer than the idle timeout of the load balancer in front",
  },
  MINTMARK_DRAIN: {
    name: "drain",
    schema: schemas.drain.optional(),
    unit,
    otherwise: "`1`; `0` where access is open",
    doc: "how long the server serves on after SIGTERM, while `/readyz` answers 503",
  },
  MINTMARK_WORKERS: {
    name: "workers",
    schema: schemas.workers.default(1),
    doc: "processes that share the port; with 2 or more, one further process supervises them",
  },
  MINTMARK_LOG_LEVEL: {
    name: "logLevel",
    schema: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
    doc: "`fatal`, `error`, `warn`, `info`, `debug` (one line a request), `trace` or `silent`",
  },
} as const satisfies Record<string, Setting>;

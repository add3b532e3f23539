import { z } from "zod";
import { StartError } from "./errors.ts";
import { isLoopback } from "./http/guard.ts";

/** What the server runs with: the environment, checked and with its defaults. */
export type Config = Readonly<{
  host: string;
  port: number;
  /** Undefined: the origin that the server listens on. */
  issuer: string | undefined;
  /** Undefined: the issuer. */
  audience: string | undefined;
  data: string;
  alg: "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA";
  secret: string | undefined;
  ttl: number;
  maxTtl: number;
  logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}>;

const MAX_LIFETIME = 366 * 86400;

const wholeSeconds = z
  .string()
  .regex(/^[0-9]{1,9}$/, "must be a whole number of seconds")
  .transform(Number)
  .pipe(z.int().min(1, "must be at least 1 second").max(MAX_LIFETIME, `must be at most ${MAX_LIFETIME} seconds`));

const text = z.string().min(1).max(255);

const variables = {
  HOST: z
    .string()
    .refine(
      isLoopback,
      "must be a loopback address (127.0.0.1, ::1 or localhost): anybody who reaches it may do everything",
    )
    .default("127.0.0.1"),
  PORT: z
    .string()
    .regex(/^[0-9]{1,5}$/, "must be a port number, 0 to 65535 (0 picks a free one)")
    .transform(Number)
    .refine((port) => port <= 65535, "must be a port number, 0 to 65535 (0 picks a free one)")
    .default(3000),
  MINTMARK_ISSUER: text
    .refine(isIssuer, "must be an http or https URL without query, fragment or credentials")
    .optional(),
  MINTMARK_AUDIENCE: text.optional(),
  MINTMARK_DATA: z.string().min(1).default(".mintmark"),
  DATABASE_URL: z.never("cannot be used yet: unset it, and state is kept in MINTMARK_DATA").optional(),
  MINTMARK_ALG: z.enum(["ES256", "ES384", "RS256", "PS256", "EdDSA"]).optional(),
  MINTMARK_SECRET: z.string().optional(),
  MINTMARK_TTL: wholeSeconds.default(900),
  MINTMARK_MAX_TTL: wholeSeconds.default(86400),
  MINTMARK_ACCESS: z.literal("open", 'can only be "open" yet').default("open"),
  MINTMARK_WORKERS: z.literal("1", "can only be 1 yet").default("1"),
  MINTMARK_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
};

/**
 * Reads the configuration from environment variables, or throws a {@link StartError} that names the
 * variable and says what it must be, never what it was: it may be a secret. A variable that is set to
 * nothing counts as not set, but for the secret, where that is a mistake; one that begins with `MINTMARK_` and is not known is an error.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.entries(environment).filter(
    ([name, value]) => isOurs(name) && (value || name === "MINTMARK_SECRET"),
  );
  const { data: env, error } = z.strictObject(variables).safeParse(Object.fromEntries(set));
  if (error !== undefined) throw new StartError(firstProblem(error));
  if (env.MINTMARK_TTL > env.MINTMARK_MAX_TTL) throw new StartError("MINTMARK_TTL must be at most MINTMARK_MAX_TTL");
  if (env.MINTMARK_SECRET !== undefined && env.MINTMARK_ALG !== undefined) {
    throw new StartError(
      "MINTMARK_ALG and MINTMARK_SECRET exclude each other: the secret means HS256. Unset one of them",
    );
  }
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    issuer: env.MINTMARK_ISSUER,
    audience: env.MINTMARK_AUDIENCE,
    data: env.MINTMARK_DATA,
    alg: env.MINTMARK_ALG ?? "ES256",
    secret: env.MINTMARK_SECRET,
    ttl: env.MINTMARK_TTL,
    maxTtl: env.MINTMARK_MAX_TTL,
    logLevel: env.MINTMARK_LOG_LEVEL,
  });
}

function isOurs(name: string): boolean {
  return Object.hasOwn(variables, name) || name.startsWith("MINTMARK_");
}

function firstProblem({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (issue?.code === "unrecognized_keys") {
    return `${issue.keys[0]} is not a variable of Mintmark's: see  mintmark --help`;
  }
  const must =
    issue?.code === "invalid_value" && issue.values.length > 1
      ? `must be one of ${issue.values.join(", ")}`
      : issue?.message;
  return `${String(issue?.path[0])} ${must}`;
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || text !== text.trim()) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && `${search}${hash}${username}${password}` === "";
}

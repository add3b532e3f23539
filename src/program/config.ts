import { z } from "zod";
import { StartError } from "../errors.ts";
import type { Theme } from "../http/theme.ts";
import type { RateLimitOptions } from "../service/throttle/call-limits.ts";
import type { Seconds } from "../time.ts";
import { accessIn, conflictIn } from "./environment/conflicts.ts";
import { type Environment, readValues } from "./environment/read-values.ts";
import { type Fields, fieldsOf, type Variable, type Variables, variables } from "./settings.ts";

type Grouped =
  | ("clientId" | "clientSecret" | "rateIssue" | "rateIssueAddress" | "rateVerify" | "rateVerifyAddress")
  | ("signInIssuer" | "signInClientId" | "signInClientSecret" | "signInUrl" | "title" | "logo" | "colour");
type Resolved = {
  kek: Buffer | undefined;
  access: "open" | "clients";
  drain: Seconds;
  rateLimits: RateLimitOptions;
  /** Of commands with `--url`. */
  credentials: { clientId: string; clientSecret: string } | undefined;
  /** Where people sign in: at an OpenID provider, or in an application of the operator. */
  signIn: { provider: ProviderConfig } | { url: string } | undefined;
  theme: Theme;
};

type ProviderConfig = { issuer: string; clientId: string; clientSecret: string };

/** The settings of the server: parsed, validated, with defaults. */
export type Config = Readonly<Omit<Fields, Grouped | keyof Resolved> & Resolved>;

/**
 * Reads the configuration from environment variables and the files that `_FILE` variables name. Throws a
 * {@link StartError} that names the variable and what it must be, never its value, which may be a secret. An empty
 * variable counts as unset, except for secrets. An unknown variable that begins with `MINTMARK_` is an error, unless
 * Kubernetes or Docker added it.
 */
export function readConfig(environment: Environment = process.env): Config {
  const { values, nameOf } = readValues(environment);
  const { data: parsed, error } = z.strictObject(variables).safeParse(values);
  if (error !== undefined) throw new StartError(firstProblem(error, nameOf));
  const conflict = conflictIn(parsed);
  if (conflict !== undefined) throw new StartError(conflict);
  const { rateIssue, rateIssueAddress, rateVerify, rateVerifyAddress, clientId, clientSecret, ...others } =
    fieldsOf(parsed);
  const { signInIssuer, signInClientId, signInClientSecret, signInUrl, title, logo, colour, ...fields } = others;
  const access = accessIn(parsed);
  return Object.freeze({
    ...fields,
    access,
    kek: fields.kek === "none" ? undefined : fields.kek,
    drain: fields.drain ?? (access === "open" ? 0 : 1),
    rateLimits: {
      issue: { perClient: rateIssue, perAddress: rateIssueAddress },
      verify: { perClient: rateVerify, perAddress: rateVerifyAddress },
    },
    credentials: clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : undefined,
    signIn: signInOf(parsed),
    theme: { title, logo, colour },
  });
}

/** The settings of a provider are set together: see `conflictIn`. */
function signInOf(parsed: Variables): Resolved["signIn"] {
  const { MINTMARK_SIGN_IN_ISSUER: issuer, MINTMARK_SIGN_IN_URL: url } = parsed;
  const { MINTMARK_SIGN_IN_CLIENT_ID: clientId, MINTMARK_SIGN_IN_CLIENT_SECRET: clientSecret } = parsed;
  if (issuer !== undefined && clientId !== undefined && clientSecret !== undefined)
    return { provider: { issuer, clientId, clientSecret } };
  return url === undefined ? undefined : { url };
}

/** Whether a variable is set and not empty. */
export function isSet(variable: Variable, environment: Environment = process.env): boolean {
  return Boolean(environment[variable]);
}

/** Where a value comes from: the environment, the file that this variable names, or the default. */
export function sourceOf(variable: string, environment: Environment = process.env): string {
  if (environment[variable]) return "environment";
  return environment[`${variable}_FILE`] ? `${variable}_FILE` : "default";
}

function firstProblem({ issues }: z.ZodError, nameOf: (variable: string) => string): string {
  const [issue] = issues;
  const must =
    issue?.code === "invalid_value" && issue.values.length > 1
      ? `must be one of ${issue.values.join(", ")}`
      : issue?.message;
  return `${nameOf(String(issue?.path[0]))} ${must}`;
}

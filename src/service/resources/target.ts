import type { Issue } from "../../errors.ts";
import type { Resource } from "../../store/resource.ts";
import { type Audience, audience } from "../../token/claims.ts";
import { ANY, printableScope } from "../clients/client-policy.ts";

/** A request for tokens of certain resources (RFC 8707). */
export type TargetedRequest = {
  /** The requested audiences, in place of `audience`. Absent or empty: the default. */
  resources?: readonly string[] | undefined;
};

/** The audiences of the resources of a request, each once. Empty where they are no valid audiences: then look none up. */
export function targetAudiences(resources: readonly string[]): string[] {
  const audiences = [...new Set(resources)];
  return audience.safeParse(audiences).success ? audiences : [];
}

/** A list of one audience as a string: both are valid (RFC 7519 §4.1.3), and more libraries read the string. */
export function plainAudience(audience: Audience): Audience {
  if (typeof audience === "string") return audience;
  const [first, ...others] = audience;
  return first !== undefined && others.length === 0 ? first : audience;
}

/**
 * Why no token can be issued for these audiences, if so: each must be one of `known`. They are compared as strings, so a
 * relative URI or one with a fragment (RFC 8707 §2) is refused as unknown. Not checked: whether the client may request them.
 */
export function targetViolation(audiences: readonly string[], known: readonly string[]): Issue | undefined {
  const isKnown = (one: string) => one !== ANY && known.includes(one);
  if (audiences.length > 0 && audiences.every(isKnown)) return undefined;
  return { path: "resource", message: "is not the audience of a known resource" };
}

/**
 * Why no token for these audiences can be issued to a client that introduced itself, if so: it can have one for a single open
 * resource. A token for two would let each of them act at the other.
 */
export function openTargetViolation(audiences: readonly string[], registered: readonly Resource[]): Issue | undefined {
  const isOpen = (audience: string) => registered.some((one) => one.audience === audience && one.open);
  if (audiences.length === 1 && audiences.every(isOpen)) return undefined;
  return { path: "resource", message: "is not a single open resource" };
}

/**
 * The first requested scope token that no requested resource has, if any. Any token is accepted where one of the audiences is
 * no registered resource, or one without scopes.
 */
export function resourceScopeViolation(
  scope: string | undefined,
  { audiences, registered }: { audiences: readonly string[]; registered: readonly Resource[] },
): Issue | undefined {
  const isRestricted = ({ scopes }: Resource) => Object.keys(scopes).length > 0;
  if (registered.length < audiences.length || !registered.every(isRestricted)) return undefined;
  const violation = scope?.split(" ").find((token) => !registered.some(({ scopes }) => Object.hasOwn(scopes, token)));
  if (violation === undefined) return undefined;
  return { path: "scope", message: `${printableScope(violation)} is no scope of this resource` };
}

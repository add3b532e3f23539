import type { Issue } from "../../errors.ts";
import { type ClientRights, grantTypesOfPeople } from "../../store/client.ts";
import type { Seconds } from "../../time.ts";
import type { Audience } from "../../token/claims.ts";
import { type Caller, grantViolation, hasPermission, isAdmin } from "../access/caller.ts";

/** Permits every scope or audience in the rights of a client. */
export const ANY = "*";

/** The parameters of a token request that the limits of a client apply to. */
export type RequestedGrant = {
  subject?: string | undefined;
  audience?: Audience | undefined;
  scope?: string | undefined;
  expiresIn?: Seconds | undefined;
};

/** The first requested parameter that exceeds the limits of the caller, if any. */
export function policyViolation(
  caller: Caller,
  requested: RequestedGrant,
  defaultAudience: Audience,
): Issue | undefined {
  if (isAdmin(caller)) return undefined;
  const scope = requested.scope?.split(" ").find((token) => !includes(caller.scopes, token));
  if (scope !== undefined) return { path: "scope", message: `${printableScope(scope)} is not allowed to this client` };
  const audiences = [requested.audience ?? []].flat();
  if (audiences.some((one) => ![defaultAudience].flat().includes(one) && !includes(caller.audiences, one))) {
    return { path: "audience", message: "is not allowed to this client: mintmark clients update ID --audiences URL" };
  }
  if (requested.subject !== undefined && requested.subject !== caller.clientId && !caller.anySubject) {
    return { path: "subject", message: "can only be this client itself" };
  }
  if (requested.expiresIn !== undefined && caller.maxTtl !== undefined && requested.expiresIn > caller.maxTtl) {
    return { path: "expiresIn", message: `can be ${caller.maxTtl} at most for this client` };
  }
  return undefined;
}

/** The first right of a client that its manager lacks, if any: managers cannot delegate more than they have. */
export function delegationViolation(manager: Caller, client: ClientRights): Issue | undefined {
  if (isAdmin(manager)) return undefined;
  const permission = client.permissions.find((permission) => !hasPermission(manager, permission));
  if (permission !== undefined)
    return { path: "permissions", message: `${permission} is missing to the caller itself` };
  const violation = (path: string): Issue => ({ path, message: EXCEEDS_MANAGER });
  if (!client.scopes.every((scope) => includes(manager.scopes, scope))) return violation("scopes");
  if (!client.audiences.every((audience) => includes(manager.audiences, audience))) return violation("audiences");
  if (client.anySubject && !manager.anySubject) return violation("anySubject");
  if (client.firstParty) return violation("firstParty");
  const ofClient = client.grants?.filter((grant) => !grantTypesOfPeople.has(grant)) ?? [];
  if (ofClient.some((grant) => grantViolation(manager, grant) !== undefined)) return violation("grants");
  if (manager.maxTtl !== undefined && (client.maxTtl ?? Number.POSITIVE_INFINITY) > manager.maxTtl)
    return violation("maxTtl");
  return undefined;
}

/** Why a manager may not manage the resource with this audience, if so. */
export function resourceViolation(manager: Caller, audience: string): Issue | undefined {
  if (isAdmin(manager) || includes(manager.audiences, audience)) return undefined;
  return { path: "audience", message: EXCEEDS_MANAGER };
}

const EXCEEDS_MANAGER = "goes beyond what the caller itself may have";

/** Hides a scope token that may be a secret in the wrong parameter. */
export function printableScope(scope: string): string {
  return PLAIN_SCOPE.test(scope) ? scope : "(some scope)";
}

const PLAIN_SCOPE = /^[A-Za-z][\w:./-]{0,31}$/;

function includes(allowed: readonly string[], wanted: string): boolean {
  return allowed.includes(ANY) || allowed.includes(wanted);
}

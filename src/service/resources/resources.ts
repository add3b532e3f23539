import { MintmarkError } from "../../errors.ts";
import type { Resource } from "../../store/resource.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import { isForbiddenName } from "../../token/json.ts";
import type { Authorize, Operation } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import { resourceViolation } from "../clients/client-policy.ts";

export type NewResource = Omit<Resource, "createdAt">;

export type Resources = {
  /** Adds a resource, effective on every server when it resolves. Throws `resource_exists`. */
  create(caller: Caller, resource: NewResource): Promise<Resource>;
  /** All resources, sorted by name. */
  list(caller: Caller): Promise<Resource[]>;
  /**
   * Removes a resource, effective on every server when it resolves. Throws `unknown_resource`. Its tokens stay valid until
   * they expire or are revoked, and its grants can be refreshed.
   */
  remove(caller: Caller, audience: string): Promise<{ audience: string }>;
};

export type ResourcesOptions = {
  store: Pick<Store, "addResource" | "listResources" | "removeResource">;
  authorize: Authorize;
  clock: Clock;
};

/** What is wrong with the names of scopes, as the end of a sentence: they are members of JSON objects. */
export function scopesFault(scopes: Readonly<Record<string, string>>): string | undefined {
  const name = Object.keys(scopes).find(isForbiddenName);
  return name === undefined ? undefined : `must have no scope ${name}: JSON may have no such name`;
}

/** The use cases of resources (RFC 8707). A manager of clients manages those that it may itself request. */
export function createResources({ store, authorize, clock }: ResourcesOptions): Resources {
  const operationOn = (action: string, audience: string): Operation => ({
    action: `resources.${action}`,
    permission: "manage_clients",
    target: { target: audience },
    denial: (current) => resourceViolation(current, audience),
  });

  return {
    create: (caller, fields) =>
      authorize(caller, operationOn("create", fields.audience), async (record) => {
        const fault = scopesFault(fields.scopes);
        if (fault) throw new MintmarkError("invalid_request", { issues: [{ path: "scopes", message: fault }] });
        const resource: Resource = { ...fields, createdAt: clock() };
        if ((await store.addResource(resource, record)) === "present") throw new MintmarkError("resource_exists");
        return resource;
      }),

    list: (caller) =>
      authorize(caller, { action: "resources.list", permission: "manage_clients" }, () => store.listResources()),

    remove: (caller, audience) =>
      authorize(caller, operationOn("remove", audience), async (record) => {
        if ((await store.removeResource(audience, record)) === "unknown") throw new MintmarkError("unknown_resource");
        return { audience };
      }),
  };
}

import { localCaller } from "../../src/service/access/caller.ts";
import type { NewResource } from "../../src/service/resources/resources.ts";
import type { TokenService } from "../../src/service/service.ts";

export const MCP = "https://api.example/mcp";

/** A resource with two scopes, but for the fields given. */
export function newResource(fields: Partial<NewResource> = {}): NewResource {
  const scopes = { "tools:read": "Read your tools", "tools:run": "Run your tools" };
  return { audience: MCP, name: "api.example", scopes, open: false, ...fields };
}

/** Adds a resource as the local caller. */
export function addResource({ resources }: Pick<TokenService, "resources">, fields: Partial<NewResource> = {}) {
  return resources.create(localCaller, newResource(fields));
}

import type { Reason } from "../../errors.ts";
import type { TokenService } from "../../service/service.ts";
import type { Rate } from "../../service/throttle/call-limits.ts";
import { permissions } from "../../store/client.ts";
import type { JsonSchema } from "./openapi-errors.ts";

/** What the description of the API needs to know of the service. */
export type Access = Pick<TokenService, "open" | "rateLimits">;

/** The claims of a procedure's meta about its access. That of another router may have any shape. */
export type AccessMeta = { permission?: unknown; rate?: unknown; errors: readonly Reason[] };

const CLIENT = { type: "http", scheme: "basic", description: "A client's id and secret." };
const TOKEN = { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "An access token." };

/** The security schemes. Where access is open there are no clients, so nothing has a lock. */
export function securitySchemes({ open }: Access): { components?: JsonSchema; security?: object[] } {
  // A procedure of another router may take the credentials.
  return open
    ? {}
    : { components: { securitySchemes: { client: CLIENT, token: TOKEN } }, security: [{}, { client: [] }] };
}

/** The credentials, the permission and the rate limit of a procedure, for programs and in a sentence each. */
export function describeAccess(meta: AccessMeta, { open, rateLimits }: Access): { fields: JsonSchema; text: string } {
  const isForClients = meta.errors.includes("invalid_client");
  const isPublic = !isForClients && meta.errors.length > 0;
  const permission = permissions.find((one) => one === meta.permission);
  const limits = isRate(meta.rate) ? rateLimits[meta.rate] : undefined;
  // Without credentials there is no client to count by.
  const { perAddress = 0, perClient = 0 } = limits ?? {};
  const ofClient = isForClients ? perClient : 0;
  const fields = {
    ...(!open && (isForClients || isPublic) && { security: isForClients ? [{ client: [] }] : [] }),
    ...(permission !== undefined && { "x-permission": permission }),
    ...((ofClient > 0 || perAddress > 0) && {
      "x-rate-limit": { ...(ofClient > 0 && { perClient: ofClient }), ...(perAddress > 0 && { perAddress }) },
    }),
  };
  const sentences = [
    permission !== undefined && `Permission: \`${permission}\`${open ? ", which every caller has here." : "."}`,
    isPublic && "Permission: none.",
    limits !== undefined && `Rate: ${rateText(ofClient, perAddress)}.`,
  ];
  return { fields, text: sentences.filter((sentence) => sentence !== false).join(" ") };
}

function isRate(value: unknown): value is Rate {
  return value === "issue" || value === "verify";
}

const perMinute = (calls: number) => calls.toLocaleString("en");

function rateText(ofClient: number, ofAddress: number): string {
  const parts = [
    ofClient > 0 && `${perMinute(ofClient)} of one client`,
    ofAddress > 0 && `${perMinute(ofAddress)} of one address`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? "unlimited" : `${parts.join(", ")} a minute`;
}

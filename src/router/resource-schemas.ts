import { z } from "zod";
import { scopesFault } from "../service/resources/resources.ts";
import { isAbsoluteUri } from "../token/absolute-uri.ts";
import { identifier } from "../token/claims.ts";
import { isPlainObject } from "../token/json.ts";
import { newName, scopeToken, visible } from "./client-schemas.ts";
import { described } from "./described.ts";

const MAX_SCOPES = 100;

const AUDIENCE = { description: "The `aud` of its tokens.", examples: ["https://api.example/mcp"] };

const audience = identifier.check(
  z.refine(isAbsoluteUri, "must be an absolute URI without a fragment, such as https://api.example/mcp"),
);

const scopeRecord = z
  .record(scopeToken, z.string().min(1).max(200).check(visible))
  .refine((scopes) => Object.keys(scopes).length <= MAX_SCOPES, `must be ${MAX_SCOPES} scopes at most`)
  .meta({
    description: "Its scope tokens, each with a description for people. None: any scope is accepted.",
    examples: [{ "tools:read": "Read your tools" }],
  });

/** Before the record, which drops the name `__proto__`: without scopes, a resource would accept any. */
const scopes = z
  .transform((given: Record<string, string>, { issues }) => {
    const fault = isPlainObject(given) ? scopesFault(given) : undefined;
    if (fault !== undefined) issues.push({ code: "custom", message: fault, input: given });
    return given;
  })
  .pipe(scopeRecord);

const open = z.boolean().meta({ description: "Whether clients that introduced themselves may request it." });

export const newResource = z.strictObject({
  audience: described(audience, AUDIENCE),
  name: described(newName.check(z.maxLength(100)), { description: "For people.", examples: ["Tools"] }),
  scopes: scopes.default({}),
  open: open.default(false),
});

export const resourceView = z.strictObject({
  audience: z.string().meta(AUDIENCE),
  name: z.string().meta({ description: "For people." }),
  scopes: z.record(z.string(), z.string()),
  open,
  createdAt: z.int().positive(),
});
export const resourceViews = z.array(resourceView);

export const removeResourceInput = z.strictObject({ audience: described(identifier, AUDIENCE) });

import { z } from "zod";
import type { ClaimsSchema } from "../../token/claims.ts";
import type { Document } from "../respond.ts";
import { claimFields } from "./claims-fields.ts";
import { pageDocument } from "./template.ts";

export type StartPageOptions = { issuer: string; open: boolean; claims: ClaimsSchema };

/**
 * The page at `/`: gets a token, verifies, refreshes and revokes it, and follows the trust events. `path` leads from the page
 * to `/`.
 */
export function startPage({ issuer, open, claims }: StartPageOptions, path = ""): Promise<Document> {
  const url = issuer.replace(/\/+$/, "");
  const schema = z.toJSONSchema(claims, { io: "input", unrepresentable: "any" });
  return pageDocument("start.html", { path, issuer, url, open, fields: JSON.stringify(claimFields(schema)) });
}
